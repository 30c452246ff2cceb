"""Wide files: a time and a column for every tag. An empty cell is no sample."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import Text
from lianji.connect.files.layout import Channel, Clock, Layout, time_cells
from lianji.connect.files.numbers import read_numbers
from lianji.connect.files.pieces import Block, Piece, Rejected, raw_text
from lianji.connect.files.times import EMPTY, OUTSIDE, REASONS, Times
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

NOT_A_NUMBER = Text("not a finite number", "不是有限的数字")


class WideReader:
    """Blocks of a wide file to pieces."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._paths = [channel.path for channel in layout.channels]

    def piece(self, block: Block, bytes_total: int) -> Piece:
        """The samples of a block, tag after tag, each in the order of the file."""
        times = read_times(self._layout, block)
        rejected = [*block.rejected, *self._without_time(block, times)]
        good = times.problem == 0
        parts = [
            self._channel(number, channel, block, times.times_us, good, rejected)
            for number, channel in enumerate(self._layout.channels)
        ]
        rejected.sort(key=lambda entry: entry.line)
        numbers = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part[0]) for part in parts])
        return Piece(
            self._paths,
            numbers,
            np.concatenate([np.empty(0, np.int64), *(part[0] for part in parts)]),
            np.concatenate([np.empty(0, np.float64), *(part[1] for part in parts)]),
            np.zeros(len(numbers), np.uint16),
            _texts(parts),
            rejected,
            len(block),
            block.bytes_done,
            bytes_total,
        )

    def _channel(
        self,
        number: int,
        channel: Channel,
        block: Block,
        times_us: NDArray[np.int64],
        good: NDArray[np.bool_],
        rejected: list[Rejected],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], pa.Array | None]:
        cells = block.columns[channel.column]
        if channel.text:
            chosen = good & cells.is_valid().to_numpy(zero_copy_only=False)
            texts = cells.filter(pa.array(chosen)).cast(pa.string())
            return times_us[chosen], np.full(len(texts), np.nan), texts
        found = read_numbers(cells, self._layout.decimal_comma)
        name = self._layout.names[channel.column]
        for row in np.flatnonzero(found.wrong & good):
            raw = raw_text(cells, int(row))
            rejected.append(Rejected(int(block.lines[row]), name, NOT_A_NUMBER, raw))
        chosen = good & found.present
        return times_us[chosen], found.values[chosen], None

    def _without_time(self, block: Block, times: Times) -> list[Rejected]:
        """Rows whose time is none, save those that are empty from end to end."""
        channels = self._layout.channels
        rejected = rejected_times(self._layout, block, times)
        if not rejected:
            return rejected
        blank = times.problem == EMPTY
        for channel in channels:
            blank &= block.columns[channel.column].is_null().to_numpy(zero_copy_only=False)
        lines = set(block.lines[blank].tolist())
        return [entry for entry in rejected if entry.line not in lines]


def read_times(layout: Layout, block: Block) -> Times:
    """The times of a block: its time column's, or the clock's by the row's number."""
    if isinstance(layout.times, Clock):
        times = layout.times.start_us + block.ordinals * layout.times.step_us
        outside = (times < TIME_US_MIN) | (times > TIME_US_MAX)
        return Times(times, np.where(outside, OUTSIDE, 0).astype(np.uint8))
    return layout.times.read(time_cells(block.columns, layout.time_columns))


def rejected_times(layout: Layout, block: Block, times: Times) -> list[Rejected]:
    """The rows whose time is none, with why."""
    rows = np.flatnonzero(times.problem)
    if not len(rows):
        return []
    clock = isinstance(layout.times, Clock)
    cells = block.columns[0] if clock else time_cells(block.columns, layout.time_columns)
    return [
        Rejected(
            int(block.lines[row]),
            "" if clock else layout.time_name,
            REASONS[int(times.problem[row])],
            raw_text(cells, int(row)),
        )
        for row in rows
    ]


def _texts(
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64], pa.Array | None]],
) -> pa.Array | None:
    if all(texts is None for _, _, texts in parts):
        return None
    columns = [
        pa.nulls(len(times), pa.string()) if texts is None else texts for times, _, texts in parts
    ]
    return pa.concat_arrays(columns)
