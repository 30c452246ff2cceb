"""Reading: the rows that a question wants out of files, and no more of them than it must decode.

Every file is sorted by tag and time, so what a question wants of a row group lies in runs: they are
found by bisection and cut out, not filtered row by row.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lianji.base.clock import to_us
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.delta.actions import DataFile
from lianji.history.places.place import Place
from lianji.history.rows import Rows

_MAGIC = b"PAR1"
FOOTERS_BYTES_MAX = 16 * 1024 * 1024
_MEMORY_A_FOOTER_BYTE = 6
"""A footer in memory takes about so many times what it takes in the file (measured)."""
_ROWS_A_RUN_FEW = 800
"""Bisecting a run costs about as much as comparing so many rows one by one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A data file and the place where it lies."""

    place: Place
    file: DataFile


class Wanted:
    """Which rows a question wants: some tags (all, if None) between two times."""

    def __init__(
        self, paths: Sequence[str] | None, start_us: int, end_us: int, *, beside: bool = False
    ) -> None:
        """``end_us`` is included. ``beside`` wants of each tag the row before and the row behind
        too, where they lie in row groups that are read anyway."""
        self.paths = paths
        self.beside = beside
        self.start_us = start_us
        self.end_us = end_us
        self.code = None if paths is None else {path: code for code, path in enumerate(paths)}
        self.sorted = None if paths is None else sorted(paths)

    def touches(self, file: DataFile) -> bool:
        return file.overlaps(self.start_us, self.end_us) and self.has_within(
            file.first_tag, file.last_tag
        )

    def has_within(self, first_tag: str, last_tag: str) -> bool:
        """True if a wanted tag lies from ``first_tag`` to ``last_tag``, both included."""
        if self.sorted is None:
            return True
        place = bisect_left(self.sorted, first_tag)
        return place < len(self.sorted) and self.sorted[place] <= last_tag

    def codes_of(self, names: Sequence[str], codes: dict[str, int]) -> list[int]:
        """The codes of these tag names, -1 for one that is not wanted; ``codes`` numbers names
        where all are wanted."""
        if self.code is None:
            return [codes.setdefault(name, len(codes)) for name in names]
        code = self.code
        return [code.get(name, -1) for name in names]


class _Footer:
    """A file's footer, and its row groups' first and last tags and times."""

    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata
        self.cost = metadata.serialized_size * _MEMORY_A_FOOTER_BYTE
        groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
        tags = [group.column(0).statistics for group in groups]
        times = [group.column(1).statistics for group in groups]
        self.firsts = [str(one.min) for one in tags]
        self.lasts = [str(one.max) for one in tags]
        self.starts_us = [to_us(one.min) if one.has_min_max else TIME_US_MIN for one in times]
        self.ends_us = [to_us(one.max) if one.has_min_max else TIME_US_MAX for one in times]

    def groups(self, wanted: Wanted) -> list[int]:
        every: Iterable[int] = range(len(self.firsts))
        if wanted.sorted is not None and len(wanted.sorted) < 2 * len(self.firsts):
            some: set[int] = set()
            for path in wanted.sorted:
                some.update(range(bisect_left(self.lasts, path), bisect_right(self.firsts, path)))
            every = sorted(some)
        return [
            group
            for group in every
            if wanted.has_within(self.firsts[group], self.lasts[group])
            and (self._overlaps(group, wanted) or (wanted.beside and self._is_next(group, wanted)))
        ]

    def _overlaps(self, group: int, wanted: Wanted) -> bool:
        return not self._is_early(group, wanted) and not self._is_late(group, wanted)

    def _is_early(self, group: int, wanted: Wanted) -> bool:
        return self.ends_us[group] < wanted.start_us

    def _is_late(self, group: int, wanted: Wanted) -> bool:
        return self.starts_us[group] > wanted.end_us

    def _is_next(self, group: int, wanted: Wanted) -> bool:
        """Whether, of a tag that lies in several groups, this one before or behind the wanted time
        is the next to it. A farther one may be read for other tags, and its rows would pass for
        the nearest."""
        if self._is_early(group, wanted):
            tag, farther, nearer, is_out = self.firsts[group], group - 1, group + 1, self._is_early
        else:
            tag, farther, nearer, is_out = self.lasts[group], group + 1, group - 1, self._is_late
        if not wanted.has_within(tag, tag) or not self._holds(farther, tag):
            return False
        return not (self._holds(nearer, tag) and is_out(nearer, wanted))

    def _holds(self, group: int, tag: str) -> bool:
        return 0 <= group < len(self.firsts) and self.firsts[group] <= tag <= self.lasts[group]


class _Footers:
    """The footers that were needed last. Files never change, so they may be kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Footer] = OrderedDict()
        self._bytes = 0

    def of(self, name: str, source: Any) -> _Footer:
        with self._lock:
            footer = self._kept.get(name)
            if footer is not None:
                self._kept.move_to_end(name)
                return footer
        footer = _Footer(pq.read_metadata(source))
        with self._lock:
            if name not in self._kept:
                self._kept[name] = footer
                self._bytes += footer.cost
            while self._bytes > FOOTERS_BYTES_MAX and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].cost
        return footer


_footers = _Footers()


def read_rows(stored: Stored, wanted: Wanted, codes: dict[str, int]) -> Rows:
    """The wanted rows of a file, in its order (tag, time).

    ``Rows.tag`` are codes into ``wanted.paths``; where all tags are wanted, ``codes`` gives each
    new name the next number. Raises StorageError for a file that is damaged, FileNotFoundError
    for one that is gone.
    """
    table = row_groups(stored, wanted)
    return Rows.none() if table is None else _cut(table, wanted, codes)


def row_groups(
    stored: Stored, wanted: Wanted, columns: Sequence[str] | None = None
) -> pa.Table | None:
    """The row groups of a file that may hold what is wanted, whole; None if there are none.

    The column ``tag`` is a dictionary. Raises as ``read_rows``.
    """
    try:
        with stored.place.open(stored.file.path) as source:
            footer = _footers.of(stored.file.name, source)
            groups = footer.groups(wanted)
            if not groups:
                return None
            with pq.ParquetFile(
                source,
                metadata=footer.metadata,
                read_dictionary=["tag"],
                pre_buffer=stored.place.reads_ahead,
            ) as parquet:
                return parquet.read_row_groups(groups, columns, use_threads=len(groups) > 3)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise unreadable(stored, error) from error


def tags_of(stored: Stored) -> list[str]:
    """The paths of all tags that a file has samples of, sorted. Raises as ``read_rows``."""
    table = row_groups(stored, Wanted(None, TIME_US_MIN, TIME_US_MAX), ["tag"])
    if table is None:
        return []
    return sorted(
        {name for chunk in table.column(0).chunks for name in chunk.dictionary.to_pylist()}
    )


def read_groups(stored: Stored) -> Iterator[tuple[Rows, list[str]]]:
    """A whole file, row group by row group: rows, and the paths of their tag codes.

    Raises as ``read_rows``.
    """
    try:
        with (
            stored.place.open(stored.file.path) as source,
            pq.ParquetFile(
                source, read_dictionary=["tag"], pre_buffer=stored.place.reads_ahead
            ) as parquet,
        ):
            for group in range(parquet.num_row_groups):
                codes: dict[str, int] = {}
                table = parquet.read_row_group(group, use_threads=False)
                yield _cut(table, Wanted(None, TIME_US_MIN, TIME_US_MAX), codes), list(codes)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise unreadable(stored, error) from error


def broken_end(file: Path, size: int) -> OSError | None:
    """Why a local file cannot be what was written, by its size and the magic at its end; None if it
    may be. Costs no more than opening it."""
    try:
        with file.open("rb") as opened:
            opened.seek(-len(_MAGIC), os.SEEK_END)
            if opened.read() == _MAGIC and opened.tell() == size:
                return None
    except OSError as error:
        return error
    return OSError("no Parquet file of the size that the table says")


def unreadable(stored: Stored, error: Exception) -> StorageError:
    """The error for a file that is there and cannot be read."""
    where = f"{stored.place.url}/{stored.file.path}"
    return StorageError(
        "history-file",
        Text(f"The file {where} cannot be read: {error}.", f"无法读取文件 {where}：{error}。"),
        Text(
            "Restore the file from a backup; the rest of the history is answered without it.",
            "请从备份恢复该文件；其余历史数据不受影响。",
        ),
    )


def _cut(table: pa.Table, wanted: Wanted, codes: dict[str, int]) -> Rows:
    """The wanted runs of a table of whole row groups."""
    table = table.unify_dictionaries() if table.column(0).num_chunks > 1 else table
    tag = _one(table.column(0))
    index = tag.indices.to_numpy()
    local = np.array(wanted.codes_of(tag.dictionary.to_pylist(), codes), np.int32)
    times = _one(table.column(1)).view(pa.int64()).to_numpy()
    if len(index) == 0:
        return Rows.none()
    starts = np.append(0, np.flatnonzero(index[1:] != index[:-1]) + 1)
    ends = np.append(starts[1:], len(index))
    chosen = np.flatnonzero(local[index[starts]] >= 0)
    whole = len(chosen) == len(starts)
    first_us, last_us = wanted.start_us, wanted.end_us
    inside = whole and int(times.min()) >= first_us and int(times.max()) <= last_us
    if inside:
        return _rows(table, local[index], times, slice(0, len(index)))
    if not wanted.beside and len(index) < _ROWS_A_RUN_FEW * len(chosen):
        places = np.flatnonzero((local[index] >= 0) & (times >= first_us) & (times <= last_us))
        return _rows(table, local[index], times, places)
    runs = []
    for run in chosen.tolist():
        begin, end = int(starts[run]), int(ends[run])
        of_run = times[begin:end]
        low = begin + int(np.searchsorted(of_run, first_us, "left"))
        high = begin + int(np.searchsorted(of_run, last_us, "right"))
        if wanted.beside:
            low, high = max(low - 1, begin), min(high + 1, end)
        if low < high:
            runs.append((low, high))
    if not runs:
        return Rows.none()
    if len(runs) == 1 or all(a[1] == b[0] for a, b in pairwise(runs)):
        return _rows(table, local[index], times, slice(runs[0][0], runs[-1][1]))
    places = np.concatenate([np.arange(low, high) for low, high in runs])
    return _rows(table, local[index], times, places)


def _rows(table: pa.Table, tag: NDArray[np.int32], times: NDArray[np.int64], which: Any) -> Rows:
    value, text, quality = (_one(table.column(number)) for number in (2, 3, 4))
    whole = Rows(
        tag,
        times,
        value.to_numpy(zero_copy_only=False),
        quality.to_numpy().astype(np.uint16),
        text,
    )
    rows = whole.take(which)
    few = isinstance(which, slice) and 2 * len(rows) < len(whole)
    return rows.copied() if few else rows  # a few rows must not hold a whole row group


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
