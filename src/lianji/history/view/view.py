"""A view: one moment of the history, files and memory together, that questions are asked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import StorageError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.history.memory import rows_of_tags
from lianji.history.parquet.reading import Stored, Wanted, read_rows, unreadable
from lianji.history.rollup.rolled import Rolled
from lianji.history.rows import Rows, sorted_once
from lianji.history.sites import Sites
from lianji.history.tiers import TierFiles
from lianji.history.view.merged import merged
from lianji.history.view.nearest import Fit, Nearest

_ONE_SITE = Sites("")


@dataclass(frozen=True, slots=True)
class View:
    """Files in the order of their writing, then batches in the order of their arrival.

    A file that cannot be read is named in ``unreadable``, until it can, and the rest is answered.
    """

    files: TierFiles
    batches: Sequence[Batch]
    find: Callable[[str], int | None]
    unreadable: dict[str, StorageError] = field(default_factory=dict)
    rollups: tuple[Rolled, ...] = ()
    sites: Sites = _ONE_SITE

    def ids(self, paths: Sequence[str]) -> NDArray[np.int32]:
        """Tag ids, -1 for a path that has none."""
        found = [-1 if tag is None else tag for tag in map(self.find, paths)]
        return np.array(found, dtype=np.int32)

    def between(self, start_us: int, end_us: int, paths: Sequence[str]) -> list[Stored]:
        """Files that may hold times from start up to end (both included), but for those of sites
        to which none of these paths belongs."""
        return self.files.between(start_us, end_us, self.sites.to_read(paths))

    def rows(self, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        """Samples with start <= time < end, sorted by tag and time, each key once.

        ``Rows.tag`` are places in ``paths``.
        """
        wanted = Wanted(paths, start_us, end_us - 1)
        parts = [
            self.read(stored, wanted)
            for stored in self.between(start_us, end_us - 1, paths)
            if wanted.touches(stored.file)
        ]
        parts.append(self.held(paths, start_us, end_us - 1))
        return merged(parts)

    def around(
        self,
        paths: Sequence[str],
        start_us: int,
        end_us: int,
        fit: Fit | None = None,
        previous: bool = False,
    ) -> Rows:
        """``rows``, and of each path the nearest sample at or before the start and the nearest at
        or behind the end; also the nearest ones that are ``fit``, where these are not.

        With ``previous`` one before the start is wanted even where one stands just at it. How far
        is looked for a fit one is bounded: see ``Nearest``.
        """
        wanted = Wanted(paths, start_us, end_us - 1, beside=True)
        before, after = Nearest(len(paths), False), Nearest(len(paths), True)
        held = self.held(paths, TIME_US_MIN, TIME_US_MAX)
        memory, *_ = _parted(held, start_us, end_us, before, after)
        parts = []
        for stored in self.between(start_us, end_us - 1, paths):
            if wanted.touches(stored.file):
                rows, early, late = _parted(
                    self.read(stored, wanted), start_us, end_us, before, after
                )
                parts.append(rows)
                before.settle(stored.file.path, early)
                after.settle(stored.file.path, late)
        rows = merged([*parts, memory])
        if not previous:
            before.settle_for_good(_at(rows, start_us))
        self._search(before, paths, TIME_US_MIN, start_us - 1)
        self._search(after, paths, end_us, TIME_US_MAX)
        rows = merged([before.rows(), rows, after.rows()])
        return rows if fit is None else self._with_fit(rows, paths, start_us, end_us, fit)

    def _with_fit(
        self, rows: Rows, paths: Sequence[str], start_us: int, end_us: int, fit: Fit
    ) -> Rows:
        """With the nearest fit samples of those paths whose nearest are not."""
        good = fit(rows)
        if good.all():
            return rows
        parts = [rows]
        for side, unfit in (
            (self.before, rows.tag[~good & (rows.time_us <= start_us)]),
            (self.after, rows.tag[~good & (rows.time_us >= end_us)]),
        ):
            some = np.flatnonzero(np.bincount(unfit, minlength=len(paths)))
            if len(some):
                edge_us = start_us - 1 if side == self.before else end_us - 1
                found = side([paths[place] for place in some.tolist()], edge_us, fit)
                found.tag = some[found.tag].astype(np.int32)
                parts.append(found)
        return merged(parts)

    def read(self, stored: Stored, wanted: Wanted) -> Rows:
        """The wanted rows of a file; none of one that cannot be read."""
        try:
            rows = read_rows(stored, wanted, {})
        except FileNotFoundError as error:
            self.unreadable[stored.file.path] = unreadable(stored, error)
        except StorageError as error:
            self.unreadable[stored.file.path] = error
        else:
            self.unreadable.pop(stored.file.path, None)
            return rows
        return Rows.none()

    def before(self, paths: Sequence[str], time_us: int, fit: Fit | None = None) -> Rows:
        """The last sample (that is fit) of each path with time <= ``time_us``; paths without one
        are left out."""
        return self._nearest(Nearest(len(paths), False, fit), paths, TIME_US_MIN, time_us)

    def after(self, paths: Sequence[str], time_us: int, fit: Fit | None = None) -> Rows:
        """The first sample (that is fit) of each path with time > ``time_us``."""
        return self._nearest(Nearest(len(paths), True, fit), paths, time_us + 1, TIME_US_MAX)

    def _nearest(self, best: Nearest, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        best.take_held(self.held(paths, start_us, end_us))
        self._search(best, paths, start_us, end_us)
        return best.rows()

    def _search(self, best: Nearest, paths: Sequence[str], start_us: int, end_us: int) -> None:
        """Look through the files, the nearest first, for those that no file left can better."""
        files = self.between(start_us, end_us, paths)
        files.sort(key=lambda f: f.file.start_us if best.forward else -f.file.end_us)
        missing, wanted = np.empty(0, np.intp), Wanted([], start_us, end_us)
        for stored in files:
            file = stored.file
            edge_us = max(file.start_us, start_us) if best.forward else min(file.end_us, end_us)
            still = best.may_be_beaten_by(file.path, edge_us)
            if not len(still):
                continue
            if not np.array_equal(still, missing):
                missing = still
                wanted = Wanted([paths[place] for place in missing.tolist()], start_us, end_us)
            if wanted.touches(file):
                rows = self.read(stored, wanted)
                rows.tag = missing[rows.tag].astype(np.int32)
                best.take(rows)

    def held(self, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        return sorted_once(rows_of_tags(self.batches, self.ids(paths), start_us, end_us))


def _parted(
    rows: Rows, start_us: int, end_us: int, before: Nearest, after: Nearest
) -> tuple[Rows, NDArray[np.int32], NDArray[np.int32]]:
    """The rows from start to end, and the tags of those before and behind, which are taken."""
    early, late = rows.time_us < start_us, rows.time_us >= end_us
    if not early.any() and not late.any():
        return rows, rows.tag[:0], rows.tag[:0]
    before.take(rows.take(early))
    after.take(rows.take(late))
    return rows.take(~(early | late)), rows.tag[early], rows.tag[late]


def _at(rows: Rows, time_us: int) -> NDArray[np.int32]:
    """The tags that have a sample just then."""
    return np.asarray(rows.tag[rows.time_us == time_us])
