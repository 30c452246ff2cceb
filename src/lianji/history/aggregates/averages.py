"""Aggregates that count and weigh raw samples alike: no bounds, no time (5.4.3.5, .21, .37-40)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianji.history.aggregates.block import Block
from lianji.history.aggregates.result import Result, settled, worked_out_where
from lianji.history.aggregates.slices import Floats
from lianji.history.aggregates.status import (
    BAD,
    CALCULATED,
    GOOD,
    Statuses,
    by_share,
    flagged,
    good_unless,
    is_bad,
)
from lianji.history.aggregates.worth import Worth


def average(block: Block) -> Result:
    n = good_count(block, block.numbers)
    mean = _sum(block) / np.maximum(n, 1)
    status = worked_out_where(n > 0, percent_values(block, block.numbers))
    return settled(block.slices, mean, status, marks_partial=False)


def total_of_samples(block: Block) -> Result:
    n = good_count(block, block.numbers)
    status = worked_out_where(n > 0, percent_values(block, block.numbers))
    return settled(block.slices, _sum(block), status)


def count(block: Block) -> Result:
    n = good_count(block, block.samples)
    return settled(block.slices, n, percent_values(block, block.samples))


def count_not_good(block: Block) -> Result:
    n = block.slices.count - good_count(block, block.samples)
    return settled(block.slices, n, np.full(n.shape, GOOD | CALCULATED))


def variance_sample(block: Block) -> Result:
    return _variance(block, fewer=1)


def variance_population(block: Block) -> Result:
    return _variance(block, fewer=0)


def standard_deviation_sample(block: Block) -> Result:
    return _rooted(variance_sample(block))


def standard_deviation_population(block: Block) -> Result:
    return _rooted(variance_population(block))


def good_count(block: Block, worth: Worth) -> Floats:
    if worth.flawless:
        return block.slices.count.astype(np.float64)
    return block.slices.counted(worth.good)


def bad_count(block: Block, worth: Worth) -> Floats:
    if worth.flawless:
        return np.zeros(block.slices.count.shape)
    return block.slices.count - block.slices.counted(worth.usable)


def percent_values(block: Block, worth: Worth) -> Statuses:
    """The status by the share of samples. An uncertain one that may be used is neither good nor
    bad here, as the annex has it. Bad is told bare, without the mark of a calculation."""
    slices = block.slices
    whole = slices.count.astype(np.float64)
    if worth.flawless:
        return np.full(whole.shape, GOOD | CALCULATED)
    shares = by_share(good_count(block, worth), bad_count(block, worth), whole, block.rules)
    return np.where(is_bad(shares), BAD, flagged(shares, CALCULATED, ~is_bad(shares)))


def _sum(block: Block) -> Floats:
    worth, value = block.numbers, block.slices.value
    return block.slices.reduced(np.add, value if worth.flawless else np.where(worth.good, value, 0))


def _variance(block: Block, fewer: int) -> Result:
    """In two passes, so that a small spread around a large mean keeps its digits."""
    slices, worth = block.slices, block.numbers
    n = good_count(block, worth)
    mean = _sum(block) / np.maximum(n, 1)
    deviation = slices.value - slices.spread(mean)
    squares = deviation * deviation
    if not worth.flawless:
        squares = np.where(worth.good, squares, 0)
    variance = slices.reduced(np.add, squares) / np.maximum(n - fewer, 1)
    status = good_unless(n < slices.count) | CALCULATED
    return settled(slices, variance, worked_out_where(n > 0, status))


def _rooted(variance: Result) -> Result:
    return Result(np.sqrt(variance.value), variance.status)


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "average": average,
    "count": count,
    "standard_deviation_sample": standard_deviation_sample,
    "variance_sample": variance_sample,
    "standard_deviation_population": standard_deviation_population,
    "variance_population": variance_population,
    "sum": total_of_samples,
    "bad": count_not_good,
}
