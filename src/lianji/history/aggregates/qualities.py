"""What the quality was in each interval: how long good or bad, and the worst (5.4.3.31 to .36).

The value that a sample holds does not matter here: texts count as numbers do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianji.history.aggregates.block import Block
from lianji.history.aggregates.bounds import simple_bounds
from lianji.history.aggregates.result import Result, settled, worked_out_where
from lianji.history.aggregates.slices import Flags, Floats, Places
from lianji.history.aggregates.status import CALCULATED, GOOD, MULTIPLE_VALUES, Statuses, flagged
from lianji.history.aggregates.worth import worth_by_quality

_WORST_SEVERITY = np.uint32(2)
_QUALITY_BITS = np.uint32(0xFFFF_0000)


def duration_good(block: Block) -> Result:
    return _always_good(block, _good_us(block) / 1000)


def duration_bad(block: Block) -> Result:
    return _always_good(block, _bad_us(block) / 1000)


def percent_good(block: Block) -> Result:
    return _always_good(block, _good_us(block) / _whole_us(block) * 100)


def percent_bad(block: Block) -> Result:
    return _always_good(block, _bad_us(block) / _whole_us(block) * 100)


def worst_quality(block: Block) -> Result:
    _, status, times = _worst_sample(block)
    return _worst(block, status, times, block.slices.has_rows)


def worst_quality2(block: Block) -> Result:
    """With the simple start bound, for which uncertain samples are not bad (5.4.3.36)."""
    slices = block.slices
    lenient = worth_by_quality(slices.quality, uncertain_is_bad=False)
    bound = simple_bounds(slices, lenient, block.stepped).status[:, :-1] & _QUALITY_BITS
    severity, status, times = _worst_sample(block)
    apart, some = ~slices.sampled[:, :-1], slices.has_rows
    beaten = apart & (~some | (_severity(bound) > severity))
    level = apart & some & (_severity(bound) == severity)
    status = np.where(beaten | level, bound, status)
    times = np.where(beaten, 1, times + level)
    return _worst(block, status, times, slices.in_reach)


def _good_us(block: Block) -> Floats:
    """Each sample's quality holds until the next; the first one is that of the simple bound."""
    segments = block.quality_segments
    return segments.marked_us(block.samples.good, segments.slopes_well_at(segments.head.row))


def _bad_us(block: Block) -> Floats:
    segments = block.quality_segments
    not_bad = segments.marked_us(block.samples.usable, segments.leads_well_at(segments.head.row))
    return segments.total_us - not_bad


def _whole_us(block: Block) -> Floats:
    return np.maximum(block.quality_segments.total_us, 1)


def _worst_sample(block: Block) -> tuple[Statuses, Statuses, Places]:
    """Of each interval: the worst severity, the first sample's status with it, how many have it."""
    slices = block.slices
    if not slices.quality.any():
        nothing = np.zeros(slices.first.shape, np.uint32)
        return nothing, nothing, slices.count
    severity = np.minimum(slices.quality >> np.uint16(14), np.uint16(2)).astype(np.float64)
    worst = slices.reduced(np.maximum, severity)
    first, _, times = slices.found(severity == slices.spread(worst))
    return worst.astype(np.uint32), slices.statuses_at(first), times


def _severity(status: Statuses) -> Statuses:
    severity: Statuses = np.minimum(status >> np.uint32(30), _WORST_SEVERITY)
    return severity


def _worst(block: Block, worst: Statuses, times: Places, there: Flags) -> Result:
    status = flagged(_good_calculated(block), MULTIPLE_VALUES, times > 1)
    return settled(block.slices, worst.astype(np.float64), worked_out_where(there, status))


def _always_good(block: Block, value: Floats) -> Result:
    return settled(block.slices, value, _good_calculated(block))


def _good_calculated(block: Block) -> Statuses:
    return np.full(block.slices.first.shape, GOOD | CALCULATED)


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "duration_good": duration_good,
    "duration_bad": duration_bad,
    "percent_good": percent_good,
    "percent_bad": percent_bad,
    "worst_quality": worst_quality,
    "worst_quality2": worst_quality2,
}
