"""Export: any range of the history as Parquet or CSV, in memory that does not grow with it.

Rows come in pieces, by tag and then by time. How many tags a piece can hold is guessed, tried and
halved where it was too many; a tag that alone is too much comes in pieces of days. A file has its
name only once it is whole and durable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from lianji.base.durable import make_folder, sync_folder
from lianji.base.errors import InputError, Text
from lianji.base.ids import new_id
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.delta.files import day_name
from lianji.history.history import History
from lianji.history.parquet.writing import DAY_US, ROW_GROUP_ROWS
from lianji.history.questions.asked import check_range
from lianji.history.questions.pieces import Expected
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows, sorted_once

PIECE_ROWS = 1_000_000
WINDOW_DAYS_MAX = 64
_BOM = b"\xef\xbb\xbf"
_LONG = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int32(), nullable=False),
    ]
)
_LONG_ENCODED: dict[str, Any] = {
    "use_dictionary": ["tag", "value", "text", "quality"],
    "column_encoding": {"time": "DELTA_BINARY_PACKED"},
}
Progress = Callable[[int, int], None]
"""Told how many parts of how many are done."""
Write = Callable[[pa.Table], None]
_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is wanted: samples with start <= time < end, and where to.

    ``to`` ends with ``.parquet`` or ``.csv``, or is a folder that gets a Parquet file a day (UTC).
    With ``step_us`` it is a wide file of numbers: a row a step, a column a tag.
    """

    tags: Sequence[str]
    start_us: int
    end_us: int
    to: Path
    step_us: int | None = None
    bom: bool = False
    """Begin a CSV with a byte order mark, by which Excel knows UTF-8."""


@dataclass(slots=True)
class Exported:
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Files of the history whose rows are missing in the export."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Some of the rows; their tags are places in ``paths``."""

    rows: Rows
    paths: Sequence[str]
    share: float
    """How much of all is done with them."""


def export_samples(
    history: History, export: Export, progress: Progress = lambda *_: None
) -> Exported:
    """Write the export. Raises NotFound, InputError, OSError; then no file was begun or changed."""
    question = _Question(history, export)
    done = Exported()
    progress(0, _PARTS)
    if export.to.suffix.lower() in (".parquet", ".csv"):
        tables = question.wide(export.step_us) if export.step_us else question.long()
        _write(export.to, export.bom, tables, done, progress)
    elif export.step_us:
        raise _wrong("a wide export goes into one file", "宽表只能导出到单个文件")
    else:
        question.by_day(done, progress)
    done.unreadable = sorted(question.signals.view.unreadable)
    progress(_PARTS, _PARTS)
    return done


Tables = tuple[pa.Schema, Iterator[tuple[pa.Table, float]]]
"""A schema, and tables of it with how much of all is done with each."""


class _Question:
    """One moment of the history, and what is wanted of it."""

    def __init__(self, history: History, export: Export) -> None:
        check_range(export.start_us, export.end_us)
        self.signals, paths = history._asked(export.tags)
        self.paths = sorted(paths)
        self.export = export
        self.inputs = sorted({name for path in self.paths for name in self.signals.inputs(path)})
        self.start_us, self.end_us = self._reach(export.start_us, export.end_us)
        self._history = history

    def long(self) -> Tables:
        return _LONG, self._between(self.start_us, self.end_us)

    def _between(self, start_us: int, end_us: int) -> Iterator[tuple[pa.Table, float]]:
        known = self._history._known.stored
        for piece in pieces(self.signals, known, self.paths, start_us, end_us):
            yield piece.rows.as_table(piece.paths).cast(_LONG), piece.share

    def by_day(self, done: Exported, progress: Progress) -> None:
        """A file a day, each whole before the next begins."""
        days = self._days_with_rows()
        make_folder(self.export.to.resolve())
        for number, day in enumerate(days):
            start_us = max(self.start_us, day * DAY_US)
            end_us = min(self.end_us, (day + 1) * DAY_US)
            path = self.export.to / f"{day_name(day)}.parquet"
            tables = _LONG, self._between(start_us, end_us)
            _write(path, False, tables, done, lambda *_: None)
            progress((number + 1) * _PARTS // len(days), _PARTS)

    def _reach(self, start_us: int, end_us: int) -> tuple[int, int]:
        """The range without the empty time before and behind all samples."""
        view = self.signals.view
        files = view.between(start_us, end_us - 1, self.inputs)
        ends = [(stored.file.start_us, stored.file.end_us) for stored in files]
        times = [batch.times_us for batch in view.batches if len(batch)]
        ends += [(int(some.min()), int(some.max())) for some in times]
        if not ends:
            return start_us, start_us
        start_us = max(start_us, min(first for first, _ in ends))
        return start_us, max(start_us, min(end_us, 1 + max(last for _, last in ends)))

    def _days_with_rows(self) -> list[int]:
        if self.start_us >= self.end_us:
            return []
        view, first, last = self.signals.view, self.start_us // DAY_US, (self.end_us - 1) // DAY_US
        days: set[int] = set()
        for stored in view.between(self.start_us, self.end_us - 1, self.inputs):
            days.update(range(stored.file.start_us // DAY_US, stored.file.end_us // DAY_US + 1))
        for batch in view.batches:
            days.update(np.unique(batch.times_us // DAY_US).tolist())
        return [day for day in sorted(days) if first <= day <= last]

    def wide(self, step_us: int) -> Tables:
        """A row a step: what each tag was at that instant, as ``History.interpolated`` says it."""
        columns = [pa.field(path, pa.float64()) for path in self.paths]
        schema = pa.schema([pa.field("time", TIME_TYPE, nullable=False), *columns])
        return schema, self._grid(schema, step_us)

    def _grid(self, schema: pa.Schema, step_us: int) -> Iterator[tuple[pa.Table, float]]:
        first_us, end_us = self.export.start_us, self.export.end_us
        span_us = step_us * max(1, PIECE_ROWS // len(self.paths))
        for start_us in range(first_us, end_us, span_us):
            until_us = min(start_us + span_us, end_us)
            found = self._history.interpolated(self.paths, start_us, until_us, step_us)
            steps = found.num_rows // len(self.paths)
            value, time = found["value"].combine_chunks(), found["time"].combine_chunks()
            columns = [value.slice(tag * steps, steps) for tag in range(len(self.paths))]
            table = pa.table([time.slice(0, steps), *columns], schema=schema)
            yield table, (until_us - first_us) / (end_us - first_us)


# -- pieces ----------------------------------------------------------------------------------------


def pieces(
    signals: Signals, known: Sequence[str], paths: Sequence[str], start_us: int, end_us: int
) -> Iterator[Taken]:
    """The samples of sorted paths with start <= time < end, by tag and time.

    ``known`` are all stored tags, sorted. How many rows are to be expected is a guess that takes
    tags of a file for equals, so what is read is counted too: nothing is held that is much more
    than a piece and a day.
    """
    if start_us >= end_us:
        return
    for guess in Expected(signals, known, paths, start_us, end_us).pieces(PIECE_ROWS):
        some = paths[guess.low : guess.high]
        begun = (guess.start_us - start_us) / (end_us - start_us)
        width = (guess.end_us - guess.start_us) / (end_us - start_us)
        for piece in _of_tags(signals, some, guess.start_us, guess.end_us):
            of_tags = (begun + piece.share * width) * len(some)
            yield Taken(piece.rows, piece.paths, (guess.low + of_tags) / len(paths))


def _of_tags(signals: Signals, paths: Sequence[str], start_us: int, end_us: int) -> Iterator[Taken]:
    if len(paths) == 1:
        yield from _of_one(signals, paths, start_us, end_us)
        return
    parts: list[Rows] = []
    for rows, _ in _windows(signals, paths, start_us, end_us):
        parts.append(rows)
        if sum(map(len, parts)) > 2 * PIECE_ROWS:
            half = len(paths) // 2
            for shift, some in ((0.0, paths[:half]), (0.5, paths[half:])):
                for piece in _of_tags(signals, some, start_us, end_us):
                    yield Taken(piece.rows, piece.paths, shift + piece.share / 2)
            return
    yield Taken(sorted_once(Rows.concat(parts)), paths, 1.0)


def _of_one(signals: Signals, paths: Sequence[str], start_us: int, end_us: int) -> Iterator[Taken]:
    parts: list[Rows] = []
    for rows, share in _windows(signals, paths, start_us, end_us):
        parts.append(rows)
        if sum(map(len, parts)) >= PIECE_ROWS:
            yield Taken(Rows.concat(parts), paths, share)
            parts = []
    yield Taken(Rows.concat(parts), paths, 1.0)


def _windows(
    signals: Signals, paths: Sequence[str], start_us: int, end_us: int
) -> Iterator[tuple[Rows, float]]:
    """The range in windows of whole days, wider where there is little."""
    days, first_us = 1, start_us
    while first_us < end_us:
        last_us = min(end_us, (first_us // DAY_US + days) * DAY_US)
        rows = signals.rows(paths, first_us, last_us)
        yield rows, (last_us - start_us) / (end_us - start_us)
        days = min(WINDOW_DAYS_MAX, 2 * days) if len(rows) < PIECE_ROWS // 4 else max(1, days // 2)
        first_us = last_us


# -- files -----------------------------------------------------------------------------------------


def _write(path: Path, bom: bool, tables: Tables, done: Exported, progress: Progress) -> None:
    schema, content = tables
    with _draft(path) as draft, _writer(draft, schema, path.suffix.lower(), bom) as write:
        for table, share in content:
            if table.num_rows:
                write(table)
            done.rows += table.num_rows
            progress(int(share * _PARTS), _PARTS)
    done.files.append(path)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file that gets its name when it is whole and durable, and goes if it does not become so."""
    draft = path.with_name(f".{path.name}.{new_id().hex()}.tmp")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(path)
        sync_folder(path.resolve().parent)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _writer(draft: Path, schema: pa.Schema, kind: str, bom: bool) -> Iterator[Write]:
    with draft.open("wb") as file:
        if kind == ".csv":
            file.write(_BOM if bom else b"")
            with pyarrow.csv.CSVWriter(file, _worded(schema.empty_table()).schema) as text:
                yield lambda table: text.write_table(_worded(table))
        else:
            how = _LONG_ENCODED if schema.equals(_LONG) else {}
            with pq.ParquetWriter(file, schema, compression="zstd", **how) as parquet:
                yield partial(parquet.write_table, row_group_size=ROW_GROUP_ROWS)


def _worded(table: pa.Table) -> pa.Table:
    """With its times as words: Arrow's own writing of times with a zone is ten times slower."""
    place = table.column_names.index("time")
    plain = table.column(place).cast(pa.timestamp("us")).cast(pa.string())
    return table.set_column(place, "time", pc.binary_join_element_wise(plain, "Z", ""))


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "export-invalid",
        Text(f"This cannot be exported: {en}.", f"无法导出：{zh}。"),
        Text("Change the command.", "请修改命令。"),
    )
