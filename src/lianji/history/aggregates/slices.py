"""Slices: the samples of some tags, cut at the edges of the grid.

All shapes are (tags, intervals), or (tags, edges) with one edge more. Rows are places in the
columns; a row that does not exist is only ever used under a mask.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.status import Statuses
from lianji.history.rows import Scalar

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Slices:
    """Columns sorted by tag and time; tag t owns the rows from offsets[t] to offsets[t + 1]."""

    def __init__(
        self,
        time_us: Instants,
        value: Floats,
        quality: NDArray[np.uint16],
        offsets: Places,
        grid: Grid,
    ) -> None:
        self.time_us = time_us
        self.value = value
        self.quality = quality
        self.offsets = offsets
        self.grid = grid
        self.edges_us = grid.edges_us
        self.begin = offsets[:-1, None]
        self.stop = offsets[1:, None]
        self.cut = self._cut()
        self.first = self.cut[:, :-1]
        self.past = self.cut[:, 1:]

    def _cut(self) -> Places:
        """For each tag and edge, the first row at or after the edge."""
        cut = np.empty((len(self.offsets) - 1, len(self.edges_us)), np.intp)
        for tag, (begin, stop) in enumerate(
            zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        ):
            cut[tag] = np.searchsorted(self.time_us[begin:stop], self.edges_us)
            cut[tag] += begin
        return cut

    @property
    def from_us(self) -> Instants:
        return self.edges_us[None, :-1]

    @property
    def to_us(self) -> Instants:
        return self.edges_us[None, 1:]

    @cached_property
    def count(self) -> Places:
        return self.past - self.first

    @cached_property
    def has_rows(self) -> Flags:
        return self.count > 0

    @cached_property
    def in_reach(self) -> Flags:
        """Neither wholly before the tag's first sample nor wholly after its last (Table 14)."""
        some = self.begin < self.stop
        return some & (self._first_us < self.to_us) & (self._last_us >= self.from_us)

    @cached_property
    def partial(self) -> Flags:
        """Not complete: data begin or end inside, or the grid ends early (5.3.3.2)."""
        partial = (self._first_us > self.from_us) | (self._last_us < self.to_us)
        if self.grid.is_cut:
            partial[:, -1] = True
        return partial & self.in_reach

    @cached_property
    def _first_us(self) -> Instants:
        return self.times_at(self.begin)

    @cached_property
    def _last_us(self) -> Instants:
        return self.times_at(self.stop - 1)

    @cached_property
    def inner_us(self) -> Floats:
        """From each row to the next of its tag, in microseconds; 0 where an edge is crossed.

        What is crossed is counted apart, in pieces, so that a long gap cannot swamp short parts.
        """
        inner = np.zeros(len(self.time_us))
        np.subtract(self.time_us[1:], self.time_us[:-1], out=inner[:-1])
        crossing = np.hstack((self.cut, self.stop)) - 1
        inner[crossing[crossing >= self.begin]] = 0
        return inner

    def reduced(self, how: np.ufunc, column: NDArray[np.generic], empty: float = 0) -> Floats:
        """A column's rows of each interval, reduced; ``empty`` where an interval has none."""
        starts = self.cut.ravel()
        inside = int(np.searchsorted(starts, len(column)))
        reduced = np.full(len(starts), empty, np.float64)
        if inside:
            reduced[:inside] = how.reduceat(column, starts[:inside])
        table = reduced.reshape(self.cut.shape)[:, :-1]
        return np.where(self.has_rows, table, empty)

    def counted(self, marks: Flags) -> Floats:
        """How many rows of each interval are marked."""
        return self.reduced(np.add, marks.view(np.uint8).astype(np.float64))

    def spread(self, table: Floats) -> Floats:
        """One number an interval, repeated for each of its rows; NaN for rows beyond the grid."""
        tags, intervals = table.shape
        numbers = np.full((tags, intervals + 2), np.nan)
        numbers[:, 1:-1] = table
        marks = np.hstack((self.begin, self.cut, self.stop))
        return np.repeat(numbers.ravel(), (marks[:, 1:] - marks[:, :-1]).ravel())

    def found(self, marks: Flags) -> tuple[Places, Places, Places]:
        """First marked row, last marked row and number of marked rows of each interval."""
        places = np.flatnonzero(marks)
        low, high = np.searchsorted(places, self.first), np.searchsorted(places, self.past)
        return taken(places, low), taken(places, high - 1), high - low

    def risen(self, rows: Places, us: Floats | Instants) -> Floats:
        """How much the line through each row and the one behind it rises in a time.

        Multiplied before it is divided, so that round numbers give round numbers.
        """
        span_us = self.times_at(rows + 1) - self.times_at(rows)
        rise = self.values_at(rows + 1) - self.values_at(rows)
        return np.divide(rise * us, np.where(span_us == 0, 1, span_us))

    @cached_property
    def sampled(self) -> Flags:
        """By tag and edge: is there a sample just at the edge?"""
        sampled: Flags = self.times_at(self.cut) == self.edges_us
        return sampled & (self.cut < self.stop)

    @cached_property
    def upto(self) -> Places:
        """By tag and edge: the last row at or before the edge; below ``begin`` if there is none."""
        return np.where(self.sampled, self.cut, self.cut - 1)

    def times_at(self, rows: Places) -> Instants:
        return taken(self.time_us, rows)

    def values_at(self, rows: Places) -> Floats:
        return taken(self.value, rows)

    def statuses_at(self, rows: Places) -> Statuses:
        """The quality of the rows as a full status code: raw, so without a lower bit."""
        return taken(self.quality, rows).astype(np.uint32) << np.uint32(16)


def taken(column: NDArray[Scalar], rows: Places) -> NDArray[Scalar]:
    """The column at these rows; anything where a row does not exist."""
    if not len(column):
        return np.zeros(rows.shape, column.dtype)
    return column.take(rows, mode="clip")
