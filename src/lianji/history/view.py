"""A view: one moment of the history, files and memory together, that questions are asked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.history.last import last_of_each
from lianji.history.memory import rows_of_tags
from lianji.history.parquet import Wanted, read_rows, rows_of_files
from lianji.history.rows import Rows, sorted_once
from lianji.history.table import DataFile


@dataclass(frozen=True, slots=True)
class View:
    """Files in the order of their writing, then batches in the order of their arrival."""

    folder: Path
    files: tuple[DataFile, ...]
    batches: Sequence[Batch]
    find: Callable[[str], int | None]

    def ids(self, paths: Sequence[str]) -> NDArray[np.int32]:
        """Tag ids, -1 for a path that has none."""
        found = (self.find(path) for path in paths)
        return np.array([-1 if tag is None else tag for tag in found], dtype=np.int32)

    def rows(self, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
        """Samples with start <= time < end, sorted by tag and time, each key once.

        ``Rows.tag`` are places in ``paths``.
        """
        wanted = Wanted(paths, start_us, end_us - 1)
        parts = list(rows_of_files(self.folder, self.files, wanted, {}))
        memory = rows_of_tags(self.batches, self.ids(paths), start_us, end_us - 1)
        if len(memory):
            parts.append(memory)
        return sorted_once(Rows.concat(parts))

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
        files = [f for f in self.files if f.overlaps(start, end)]
        files.sort(key=lambda f: f.start_us if forward else -f.end_us)
        for file in files:
            missing = best.may_be_beaten_by(file.start_us if forward else file.end_us)
            if not len(missing):
                continue
            wanted = Wanted([paths[place] for place in missing.tolist()], start, end)
            if wanted.touches(file):
                rows = read_rows(self.folder, file, wanted, {})
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
