"""Tiers: the same table in several places by age, asked as one.

A day that moves is first whole in its new place and then leaves the old one. Between the two it is
in both, under the same file names, so a name is read once: where it lies furthest down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lianji.history.delta.files import Files
from lianji.history.delta.log import DeltaLog
from lianji.history.place import Place
from lianji.history.reading import Stored


@dataclass(frozen=True, slots=True)
class TierFiles:
    """The files of one moment, in every tier. Immutable."""

    tiers: tuple[tuple[Place, Files], ...]

    def between(self, start_us: int, end_us: int) -> list[Stored]:
        """Files that may hold times from start up to end (both included), oldest periods first
        within each tier."""
        if len(self.tiers) == 1:
            place, files = self.tiers[0]
            return [Stored(place, file) for file in files.between(start_us, end_us)]
        found: dict[str, Stored] = {}
        for place, files in self.tiers:
            for file in files.between(start_us, end_us):
                found[file.name] = Stored(place, file)
        return list(found.values())

    def of(self, site: str, period: str) -> list[Stored]:
        """The files of a site's period."""
        found = {
            file.name: Stored(place, file)
            for place, files in self.tiers
            for file in files.of(site, period)
        }
        return list(found.values())

    def __iter__(self) -> Iterator[Stored]:
        found = {file.name: Stored(place, file) for place, files in self.tiers for file in files}
        return iter(found.values())

    @property
    def rows(self) -> int:
        return sum(files.rows for _, files in self.tiers)

    @property
    def bytes(self) -> int:
        return sum(files.bytes for _, files in self.tiers)

    def __len__(self) -> int:
        return sum(len(files) for _, files in self.tiers)


class Tiers:
    """The logs of a table's tiers; the first is where new files go."""

    def __init__(self, logs: Sequence[DeltaLog]) -> None:
        self.logs = tuple(logs)

    @property
    def top(self) -> DeltaLog:
        return self.logs[0]

    @property
    def files(self) -> TierFiles:
        return TierFiles(tuple((log.place, log.files) for log in self.logs))

    def log_of(self, stored: Stored) -> DeltaLog:
        """The log of the tier in which a file lies."""
        return next(log for log in self.logs if log.place is stored.place)

    def refresh(self) -> None:
        for log in self.logs:
            log.refresh()
