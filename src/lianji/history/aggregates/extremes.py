"""Lowest and highest values, of the raw samples or with the simple bounds (5.4.3.10 to .19)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lianji.history.aggregates.averages import bad_count, good_count
from lianji.history.aggregates.block import Block
from lianji.history.aggregates.integrals import percent_time
from lianji.history.aggregates.result import Result, settled, worked_out_where
from lianji.history.aggregates.segments import RESOLUTION_US
from lianji.history.aggregates.slices import Flags, Floats, Instants, Places
from lianji.history.aggregates.status import (
    CALCULATED,
    GOOD,
    INTERPOLATED,
    MULTIPLE_VALUES,
    Statuses,
    flagged,
    good_unless,
    is_good,
)


@dataclass(frozen=True, slots=True)
class Side:
    """Which extreme: the best is what ``choose`` keeps; ``worst`` loses against everything."""

    choose: np.ufunc
    worst: float


LOW = Side(np.minimum, np.inf)
HIGH = Side(np.maximum, -np.inf)


@dataclass(slots=True)
class Found:
    """The best value of each interval's samples, the first row that has it, and how many do."""

    value: Floats
    row: Places
    times: Places


def _best_samples(block: Block, side: Side, marks: Flags) -> Found:
    slices = block.slices
    candidates = slices.value if marks.all() else np.where(marks, slices.value, side.worst)
    best = slices.reduced(side.choose, candidates, side.worst)
    first, _, times = slices.found((candidates == slices.spread(best)) & marks)
    return Found(best, first, times)


def raw_extreme(block: Block, side: Side, *, at_its_time: bool) -> Result:
    """Of the good samples; bad ones, and uncertain ones beyond it, make it uncertain."""
    slices = block.slices
    found = _best_samples(block, side, block.numbers.good)
    doubtful = _is_raw_doubtful(block, side, found.value)
    time_us = np.where(found.times > 0, slices.times_at(found.row), slices.from_us)
    status = good_unless(doubtful)
    calculated = doubtful if at_its_time else doubtful | (time_us != slices.from_us)
    status = flagged(status, CALCULATED, calculated)
    status = flagged(status, MULTIPLE_VALUES, found.times > 1)
    status = worked_out_where(found.times > 0, status)
    return settled(slices, found.value, status, time_us if at_its_time else None)


def raw_range(block: Block) -> Result:
    n = good_count(block, block.numbers)
    low, high = _best_good(block, LOW), _best_good(block, HIGH)
    doubtful = _is_raw_doubtful(block, LOW, low) | _is_raw_doubtful(block, HIGH, high)
    status = worked_out_where(n > 0, good_unless(doubtful) | CALCULATED)
    return settled(block.slices, np.where(n > 0, high, 0) - np.where(n > 0, low, 0), status)


def _best_good(block: Block, side: Side) -> Floats:
    good, value = block.numbers.good, block.slices.value
    candidates = value if block.numbers.flawless else np.where(good, value, side.worst)
    return block.slices.reduced(side.choose, candidates, side.worst)


def _is_raw_doubtful(block: Block, side: Side, best: Floats) -> Flags:
    """Bad samples were passed over, or a usable uncertain one would have been chosen."""
    numbers, slices = block.numbers, block.slices
    if numbers.flawless:
        return np.zeros(best.shape, np.bool_)
    doubtful = bad_count(block, numbers) > 0
    uncertain = numbers.usable & ~numbers.good
    if not uncertain.any():
        return doubtful
    other = slices.reduced(side.choose, np.where(uncertain, slices.value, side.worst), side.worst)
    beyond: Flags = (side.choose(other, best) == other) & (other != best)
    return doubtful | beyond


def bounded_extreme(block: Block, side: Side, *, at_its_time: bool) -> Result:
    """Of the usable samples, the simple start bound and, where it slopes, the end bound."""
    slices = block.slices
    found = _best_samples(block, side, block.numbers.usable)
    start, end = _bound_candidates(block, side)
    best = side.choose(side.choose(start, end), found.value)
    there = best != side.worst
    at_start = there & (start == best)
    at_end = there & (end == best)
    inside = (found.times > 0) & (found.value == best)
    only_end = at_end & ~at_start & ~inside
    origin = _origin(block, at_start, only_end, found.row, at_its_time)
    times = np.where(inside, found.times, 0) + at_start + at_end
    status = percent_time(block) | flagged(origin, MULTIPLE_VALUES, times > 1)
    time_us = _time_of(block, at_start, inside, only_end, found.row) if at_its_time else None
    return settled(slices, best, worked_out_where(there, status), time_us)


def _bound_candidates(block: Block, side: Side) -> tuple[Floats, Floats]:
    """The start bound where it is not a sample of the interval, and the end bound of slopes."""
    bounds, sampled = block.simple_bounds, block.slices.sampled
    lenient = not block.rules.treat_uncertain_as_bad
    usable = bounds.known & (lenient | is_good(bounds.status))
    value = np.where(usable, bounds.value, side.worst)
    start = np.where(sampled[:, :-1], side.worst, value[:, :-1])
    return start, np.where(block.stepped[:, None], side.worst, value[:, 1:])


def _origin(
    block: Block, at_start: Flags, only_end: Flags, row: Places, at_its_time: bool
) -> Statuses:
    """Where the extreme came from: a bound, the sample at the start, or one further on.

    An end bound told at the interval's last instant is interpolated even if a sample lies at the
    end, for that is not the sample's time.
    """
    slices = block.slices
    estimated = at_start | (only_end if at_its_time else only_end & ~slices.sampled[:, 1:])
    later = np.zeros_like(at_start) if at_its_time else slices.times_at(row) != slices.from_us
    plain = np.where(later | only_end, CALCULATED, GOOD)
    return np.where(estimated, INTERPOLATED, plain)


def _time_of(
    block: Block, at_start: Flags, inside: Flags, only_end: Flags, row: Places
) -> Instants:
    slices = block.slices
    last_us = np.maximum(slices.to_us - RESOLUTION_US, slices.from_us)
    time_us = np.where(only_end, last_us, np.where(inside, slices.times_at(row), slices.from_us))
    return np.where(at_start, slices.from_us, time_us)


def bounded_range(block: Block) -> Result:
    low = bounded_extreme(block, LOW, at_its_time=False)
    high = bounded_extreme(block, HIGH, at_its_time=False)
    severity = percent_time(block)
    status = good_unless(~is_good(severity)) | CALCULATED
    there = ~np.isnan(low.value)
    return settled(block.slices, high.value - low.value, worked_out_where(there, status))


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "minimum": partial(raw_extreme, side=LOW, at_its_time=False),
    "maximum": partial(raw_extreme, side=HIGH, at_its_time=False),
    "minimum_actual_time": partial(raw_extreme, side=LOW, at_its_time=True),
    "maximum_actual_time": partial(raw_extreme, side=HIGH, at_its_time=True),
    "range": raw_range,
    "minimum2": partial(bounded_extreme, side=LOW, at_its_time=False),
    "maximum2": partial(bounded_extreme, side=HIGH, at_its_time=False),
    "minimum_actual_time2": partial(bounded_extreme, side=LOW, at_its_time=True),
    "maximum_actual_time2": partial(bounded_extreme, side=HIGH, at_its_time=True),
    "range2": bounded_range,
}
