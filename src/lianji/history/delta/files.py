"""The files of one version of a table: an immutable set, found by period.

A new version shares all that did not change with the one before, so a view costs nothing to keep
and a commit costs what it changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from lianji.base.clock import from_us
from lianji.history.delta.actions import DataFile

Part = tuple[str, str]
"""Site and period."""
SEALED = 9
"""The level of files that hold all of their tags' samples of a day."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files by site and period; within a period in the order in which they were written."""

    parts: dict[Part, tuple[DataFile, ...]] = field(default_factory=dict)
    periods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each site those that have files, sorted."""
    open: frozenset[Part] = frozenset()
    """Those with files that are not sealed; of a thousand sites and years of days they are few."""
    rows: int = 0
    bytes: int = 0
    count: int = 0

    def __iter__(self) -> Iterator[DataFile]:
        for part in sorted(self.parts):
            yield from self.parts[part]

    def __len__(self) -> int:
        return self.count

    def of(self, site: str, period: str) -> tuple[DataFile, ...]:
        return self.parts.get((site, period), ())

    def __contains__(self, file: object) -> bool:
        return isinstance(file, DataFile) and file in self.of(file.site, file.period)

    def of_site(self, site: str) -> Iterator[DataFile]:
        for period in self.periods.get(site, ()):
            yield from self.parts[site, period]

    def between(
        self, start_us: int, end_us: int, sites: Collection[str] | None = None
    ) -> Iterator[DataFile]:
        """Files (of these sites, if not None) that may hold times from start up to end, both
        included. Periods are days or months, so their names bound their times."""
        first, last = _day_of(start_us), _day_of(end_us)
        for site in sorted(self.periods if sites is None else self.periods.keys() & sites):
            periods = self.periods[site]
            low = bisect_left(periods, first[: len(periods[0])])
            for period in periods[low : bisect_right(periods, last)]:
                for file in self.parts[site, period]:
                    if file.overlaps(start_us, end_us):
                        yield file

    def changed(self, added: Iterable[DataFile], removed: Collection[DataFile]) -> Files:
        """The next version's files."""
        parts = dict(self.parts)
        rows, size, count = self.rows, self.bytes, self.count
        for file in removed:
            rest = tuple(one for one in parts.get(_part(file), ()) if one.path != file.path)
            if len(rest) < len(parts.get(_part(file), ())):
                rows, size, count = rows - file.rows, size - file.bytes, count - 1
            if rest:
                parts[_part(file)] = rest
            else:
                parts.pop(_part(file), None)
        fresh: dict[Part, list[DataFile]] = {}
        for file in added:
            fresh.setdefault(_part(file), []).append(file)
            rows, size, count = rows + file.rows, size + file.bytes, count + 1
        for part, some in fresh.items():
            # names sort by when they were written
            parts[part] = tuple(sorted((*parts.get(part, ()), *some), key=_by_name))
        touched = {*fresh, *map(_part, removed)}
        is_open = (any(file.level < SEALED for file in parts.get(part, ())) for part in touched)
        still = (part for part, yes in zip(touched, is_open, strict=True) if yes)
        now_open = (self.open - touched).union(still)
        return Files(parts, self._periods_now(parts, touched), now_open, rows, size, count)

    def _periods_now(
        self, parts: dict[Part, tuple[DataFile, ...]], touched: Iterable[Part]
    ) -> dict[str, tuple[str, ...]]:
        """``periods`` of the next version, whose parts these are."""
        periods = dict(self.periods)
        for site, period in touched:
            if ((site, period) in parts) == ((site, period) in self.parts):
                continue
            rest = {*periods.pop(site, ())} ^ {period}
            if rest:
                periods[site] = tuple(sorted(rest))
        return periods


def _part(file: DataFile) -> Part:
    return file.site, file.period


def _by_name(file: DataFile) -> str:
    return file.path


def _day_of(time_us: int) -> str:
    return from_us(time_us).astimezone(UTC).date().isoformat()


def day_name(day: int) -> str:
    """The name of the day that begins so many days after 1970-01-01."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def folder_of(site: str, period_column: str, period: str) -> str:
    """The folder of a partition, percent-encoded: some readers take the site from the folder's
    name, and some ask object stores for names as they stand in addresses."""
    return f"site={quote(site, safe='')}/{period_column}={period}"
