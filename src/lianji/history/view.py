"""A view: one moment of the history, files and memory together, that questions are asked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import StorageError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.history.last import last_of_each
from lianji.history.memory import rows_of_tags
from lianji.history.reading import Stored, Wanted, read_rows, unreadable
from lianji.history.rows import Rows, sorted_once
from lianji.history.tiers import TierFiles


@dataclass(frozen=True, slots=True)
class View:
    """Files in the order of their writing, then batches in the order of their arrival.

    A file that cannot be read is named in ``unreadable``, and the rest is answered.
    """

    files: TierFiles
    batches: Sequence[Batch]
    find: Callable[[str], int | None]
    unreadable: dict[str, StorageError] = field(default_factory=dict)

    def ids(self, paths: Sequence[str]) -> NDArray[np.int32]:
        """Tag ids, -1 for a path that has none."""
        found = (self.find(path) for path in paths)
        return np.array([-1 if tag is None else tag for tag in found], dtype=np.int32)

    def rows(self, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        """Samples with start <= time < end, sorted by tag and time, each key once.

        ``Rows.tag`` are places in ``paths``.
        """
        wanted = Wanted(paths, start_us, end_us - 1)
        parts = [
            rows
            for stored in self.files.between(start_us, end_us - 1)
            if wanted.touches(stored.file) and len(rows := self.read(stored, wanted))
        ]
        memory = rows_of_tags(self.batches, self.ids(paths), start_us, end_us - 1)
        if len(memory):
            parts.append(memory)
        return sorted_once(Rows.concat(parts))

    def read(self, stored: Stored, wanted: Wanted) -> Rows:
        """The wanted rows of a file; none of one that cannot be read."""
        try:
            return read_rows(stored, wanted, {})
        except FileNotFoundError as error:
            self.unreadable[stored.file.path] = unreadable(stored, error)
        except StorageError as error:
            self.unreadable[stored.file.path] = error
        return Rows.none()

    def before(self, paths: Sequence[str], time_us: int) -> Rows:
        """The last sample of each path with time <= ``time_us``; paths without one are left out."""
        return self._nearest(paths, time_us, forward=False)

    def after(self, paths: Sequence[str], time_us: int) -> Rows:
        """The first sample of each path with time > ``time_us``."""
        return self._nearest(paths, time_us, forward=True)

    def _nearest(self, paths: Sequence[str], time_us: int, *, forward: bool) -> Rows:
        start, end = (time_us + 1, TIME_US_MAX) if forward else (TIME_US_MIN, time_us)
        memory = rows_of_tags(self.batches, self.ids(paths), start, end)
        best = _Nearest(len(paths), forward)
        best.take(sorted_once(memory))
        files = self.files.between(start, end)
        files.sort(key=lambda f: f.file.start_us if forward else -f.file.end_us)
        for stored in files:
            file = stored.file
            missing = best.may_be_beaten_by(file.start_us if forward else file.end_us)
            if not len(missing):
                continue
            wanted = Wanted([paths[place] for place in missing.tolist()], start, end)
            if wanted.touches(file):
                rows = self.read(stored, wanted)
                rows.tag = missing[rows.tag].astype(np.int32)
                best.take(rows)
        return best.rows()


@dataclass(slots=True)
class _Nearest:
    """The best row of each tag so far: the latest, or the earliest if ``forward``.

    Memory is taken first and wins over files at equal times, being the later arrival.
    """

    tags: int
    forward: bool
    parts: list[Rows] = field(default_factory=list)
    time_us: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        worst = TIME_US_MAX + 1 if self.forward else TIME_US_MIN - 1
        self.time_us = np.full(self.tags, worst, np.int64)

    def may_be_beaten_by(self, time_us: int) -> NDArray[np.intp]:
        if self.forward:
            return np.flatnonzero(self.time_us > time_us)
        return np.flatnonzero(self.time_us < time_us)

    def take(self, rows: Rows) -> None:
        if not len(rows):
            return
        one = first_of_each(rows) if self.forward else last_of_each(rows)
        known = self.time_us[one.tag]
        better = one.time_us < known if self.forward else one.time_us > known
        one = one.take(better)
        self.time_us[one.tag] = one.time_us
        self.parts.append(one)

    def rows(self) -> Rows:
        """The best rows, in the order of the tags."""
        every = Rows.concat(self.parts)
        best = every.take(every.time_us == self.time_us[every.tag])
        return best.take(np.argsort(best.tag, kind="stable"))


def first_of_each(rows: Rows) -> Rows:
    """Of rows sorted by tag and time, the first of every tag."""
    return rows.take(np.append(True, rows.tag[1:] != rows.tag[:-1])[: len(rows)])
