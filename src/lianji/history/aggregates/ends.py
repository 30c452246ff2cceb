"""What was at the start and the end of each interval: samples, bounds, differences (.25 to .30)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianji.history.aggregates.block import Block
from lianji.history.aggregates.result import Result, settled, worked_out_where
from lianji.history.aggregates.slices import Places
from lianji.history.aggregates.status import (
    BAD_NO_DATA,
    CALCULATED,
    INTERPOLATED,
    flagged,
    good_unless,
    is_bad,
    is_good,
)


def interpolative(block: Block) -> Result:
    """The interpolated bound at the start; told also where the data have ended (5.4.3.4)."""
    bounds = block.interpolated_bounds
    return Result(bounds.value[:, :-1].copy(), bounds.status[:, :-1].copy())


def start(block: Block) -> Result:
    return _raw(block, block.slices.first)


def end(block: Block) -> Result:
    return _raw(block, block.slices.past - 1)


def _raw(block: Block, row: Places) -> Result:
    """The sample just as it is, bad ones too, at its own time."""
    slices = block.slices
    status = worked_out_where(slices.has_rows, slices.statuses_at(row))
    time_us = np.where(slices.has_rows, slices.times_at(row), slices.from_us)
    return settled(slices, slices.values_at(row), status, time_us)


def delta(block: Block) -> Result:
    """Last good number less the first one; uncertain if others were passed over on the way."""
    slices = block.slices
    first, last, times = slices.found(block.numbers.good)
    passed_over = (first != slices.first) | (last != slices.past - 1)
    status = worked_out_where(times > 0, good_unless(passed_over) | CALCULATED)
    return settled(slices, slices.values_at(last) - slices.values_at(first), status)


def start_bound(block: Block) -> Result:
    bounds = block.simple_bounds
    return settled(block.slices, bounds.value[:, :-1], bounds.status[:, :-1])


def end_bound(block: Block) -> Result:
    """Told at the interval's start, so always as calculated, whatever it came from."""
    bounds = block.simple_bounds
    bare = bounds.status[:, 1:] & ~INTERPOLATED
    status = flagged(bare, CALCULATED, ~is_bad(bare))
    return settled(block.slices, bounds.value[:, 1:], status)


def delta_bounds(block: Block) -> Result:
    bounds = block.simple_bounds
    known = bounds.known[:, :-1] & bounds.known[:, 1:]
    good = is_good(bounds.status)
    doubtful = ~(good[:, :-1] & good[:, 1:])
    status = np.where(known, good_unless(doubtful) | CALCULATED, BAD_NO_DATA)
    return settled(block.slices, bounds.value[:, 1:] - bounds.value[:, :-1], status)


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "interpolative": interpolative,
    "start": start,
    "end": end,
    "delta": delta,
    "start_bound": start_bound,
    "end_bound": end_bound,
    "delta_bounds": delta_bounds,
}
