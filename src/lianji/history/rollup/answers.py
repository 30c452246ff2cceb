"""Aggregates out of buckets: the same numbers as out of the samples, for a fraction of the reading.

The grid's edges are edges of buckets. Between two buckets the signal is drawn between the last
sample of the one and the first of the other, by the same code that draws between samples; within a
bucket its own sums are taken. Only values are told, no statuses: who asks for those reads samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lianji.history.aggregates.block import Block
from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.integrals import time_average2, total2
from lianji.history.aggregates.names import aggregate_named
from lianji.history.aggregates.result import Result
from lianji.history.aggregates.rules import STANDARD
from lianji.history.aggregates.segments import SimpleSegments
from lianji.history.aggregates.slices import Floats, Slices
from lianji.history.rollup.buckets import Buckets
from lianji.history.rollup.columns import AREAS, EXTREMES, MISSING, SUMS
from lianji.history.rows import Rows, order_by


@dataclass(frozen=True, slots=True)
class _Within:
    """What lies between the first and the last sample of some buckets; see ``Buckets``."""

    area_step: Floats
    area_linear: Floats
    held_us: NDArray[np.int64]
    sloped_us: NDArray[np.int64]

    @classmethod
    def of(cls, b: Buckets, some: NDArray[np.intp]) -> _Within:
        return cls(b.area_step[some], b.area_linear[some], b.held_us[some], b.sloped_us[some])


class RolledSegments(SimpleSegments):
    """Segments between the ends of buckets; those within a bucket are known already."""

    def __init__(self, block: RolledBlock) -> None:
        super().__init__(block.slices, block.numbers, block.stepped, block.rules)
        self._within = block.within
        self._bucket = block.bucket

    @cached_property
    def held_us(self) -> Floats:
        return self._marked(self.worth.usable, self._bucket.held_us)

    @cached_property
    def good_us(self) -> Floats:
        head, tail = self.head, self.tail
        rows = self._stepped_rows()[self._within]
        known = np.where(rows, self._bucket.held_us, self._bucket.sloped_us)
        inner = self.slices.reduced(np.add, self._spans(self._leads_well, known))
        inner += np.where(self.leads_well_at(head.row), head.us, 0)
        inner += np.where(self.leads_well_at(tail.row), tail.us, 0)
        return inner

    def _marked(self, marks: NDArray[np.bool_], known: NDArray[np.int64]) -> Floats:
        head, tail = self.head, self.tail
        inner = self.slices.reduced(np.add, self._spans(marks, known))
        inner += np.where(self.worth.usable_at(head.row), head.us, 0)
        inner += np.where(self.worth.usable_at(tail.row), tail.us, 0)
        return inner

    def _spans(self, marks: NDArray[np.bool_], known: NDArray[np.int64]) -> Floats:
        spans = self.slices.inner_us * marks
        spans[self._within] = known
        return spans

    def _inner_areas(self) -> Floats:
        areas = super()._inner_areas().copy()
        stepped = self._stepped_rows()[self._within]
        areas[self._within] = np.where(stepped, self._bucket.area_step, self._bucket.area_linear)
        return areas


class RolledBlock(Block):
    """The ends of buckets as rows, and of each bucket with two ends what lies between them."""

    def __init__(self, buckets: Buckets, beyond: Rows, stepped: NDArray[np.bool_], grid: Grid):
        two = buckets.last_us > buckets.first_us
        rows = _ends(buckets, two, beyond)
        order = order_by(rows.tag, rows.time_us)
        tag = rows.tag[order]
        offsets = np.searchsorted(tag, np.arange(len(stepped) + 1, dtype=tag.dtype))
        slices = Slices(rows.time_us[order], rows.value[order], rows.quality[order], offsets, grid)
        super().__init__(slices, stepped, STANDARD)
        firsts = np.flatnonzero(two)
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        self.within = place[firsts]
        self.bucket = _Within.of(buckets, firsts)

    @cached_property
    def simple_segments(self) -> SimpleSegments:
        return RolledSegments(self)


def _ends(buckets: Buckets, two: NDArray[np.bool_], beyond: Rows) -> Rows:
    """First samples, then last samples, then what lies beyond the buckets."""
    return Rows(
        np.concatenate([buckets.tag, buckets.tag[two], beyond.tag]),
        np.concatenate([buckets.first_us, buckets.last_us[two], beyond.time_us]),
        np.concatenate([buckets.first, buckets.last[two], beyond.value]),
        np.concatenate([buckets.first_quality, buckets.last_quality[two], beyond.quality]),
        beyond.text[:0],
    )


class _Tables:
    """Sums over the buckets of each interval. Shapes (tags, intervals)."""

    def __init__(self, buckets: Buckets, block: RolledBlock, grid: Grid) -> None:
        offsets = np.searchsorted(
            buckets.tag, np.arange(len(block.stepped) + 1, dtype=buckets.tag.dtype)
        )
        self.buckets = buckets
        self.in_reach = block.slices.in_reach
        self._slices = Slices(buckets.time_us, buckets.sum, buckets.first_quality, offsets, grid)

    def added(self, column: NDArray[np.generic]) -> Floats:
        return self._slices.reduced(np.add, column.astype(np.float64))

    def extreme(self, how: np.ufunc, column: Floats, empty: float) -> Floats:
        found = self._slices.reduced(how, np.where(np.isnan(column), empty, column), empty)
        return np.where(np.isinf(found), np.nan, found)


def _average(t: _Tables) -> Floats:
    n = t.added(t.buckets.numbers)
    return np.where(n > 0, t.added(t.buckets.sum) / np.maximum(n, 1), np.nan)


def _sum(t: _Tables) -> Floats:
    return np.where(t.added(t.buckets.numbers) > 0, t.added(t.buckets.sum), np.nan)


def _count(t: _Tables) -> Floats:
    good, every = t.added(t.buckets.good), t.added(t.buckets.count)
    return np.where((every > 0) & (good == 0), np.nan, good)


def _bad(t: _Tables) -> Floats:
    return t.added(t.buckets.count) - t.added(t.buckets.good)


def _minimum(t: _Tables) -> Floats:
    return t.extreme(np.minimum, t.buckets.min, np.inf)


def _maximum(t: _Tables) -> Floats:
    return t.extreme(np.maximum, t.buckets.max, -np.inf)


def _range(t: _Tables) -> Floats:
    return _maximum(t) - _minimum(t)


_SUMS: dict[str, Callable[[_Tables], Floats]] = {
    "average": _average,
    "sum": _sum,
    "count": _count,
    "bad": _bad,
    "minimum": _minimum,
    "maximum": _maximum,
    "range": _range,
}
_TIMED: dict[str, Callable[[Block], Result]] = {"time_average2": time_average2, "total2": total2}
ROLLED = frozenset({*_SUMS, *_TIMED})
"""The aggregates that buckets answer exactly."""

_ASKED = {
    **dict.fromkeys(("minimum", "maximum", "range"), EXTREMES),
    **dict.fromkeys(_TIMED, AREAS),
}


def unasked(names: Sequence[str]) -> frozenset[str]:
    """Columns of the tables that these aggregates do without."""
    asked = frozenset[str]().union(*(_ASKED.get(aggregate_named(one).name, SUMS) for one in names))
    return (EXTREMES | SUMS | AREAS | MISSING) - asked


def can_answer(names: Sequence[str]) -> bool:
    return all(aggregate_named(name).name in ROLLED for name in names)


def answered(
    buckets: Buckets,
    beyond: Rows,
    stepped: NDArray[np.bool_],
    grid: Grid,
    names: Sequence[str],
) -> dict[str, Result]:
    """Values of the aggregates; every status is 0.

    ``buckets`` lie within the grid, whose edges are theirs, sorted by tag and time, each key once;
    ``beyond`` holds of each tag the nearest sample before the grid and the nearest at or behind
    its end.
    """
    block = RolledBlock(buckets, beyond, stepped, grid)
    tables = _Tables(buckets, block, grid)
    results = {}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for name in names:
            own = aggregate_named(name).name
            if own in _SUMS:
                value = np.where(tables.in_reach, _SUMS[own](tables), np.nan)
            else:
                value = _TIMED[own](block).value
            results[name] = Result(value, np.zeros(value.shape, np.uint32))
    return results
