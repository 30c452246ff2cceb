"""Averages over time and totals, which are integrals over time (5.4.3.6 to 5.4.3.9)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianji.history.aggregates.block import Block
from lianji.history.aggregates.result import Result, settled, worked_out_where
from lianji.history.aggregates.slices import Floats
from lianji.history.aggregates.status import CALCULATED, Statuses, by_share, good_unless


def time_average(block: Block) -> Result:
    segments = block.interpolated_segments
    return _interpolated(block, segments.area / _seconds(segments.covered_us))


def total(block: Block) -> Result:
    return _interpolated(block, block.interpolated_segments.area)


def time_average2(block: Block) -> Result:
    segments = block.simple_segments
    return _simple(block, segments.area / _seconds(segments.held_us))


def total2(block: Block) -> Result:
    return _simple(block, block.simple_segments.area)


def percent_time(block: Block) -> Statuses:
    """The status by the share of time, with simple bounds."""
    segments = block.simple_segments
    good, whole = segments.good_us, segments.total_us
    return by_share(good, whole - good, whole, block.rules)


def _seconds(us: Floats) -> Floats:
    return np.where(us > 0, us, np.nan) / 1e6


def _interpolated(block: Block, value: Floats) -> Result:
    """Good where nothing was looked past, nothing uncertain used and nothing extrapolated."""
    segments = block.interpolated_segments
    status = good_unless(~segments.is_clean) | CALCULATED
    return settled(block.slices, value, worked_out_where(segments.covered_us > 0, status))


def _simple(block: Block, value: Floats) -> Result:
    status = percent_time(block) | CALCULATED
    there = block.simple_segments.held_us > 0
    return settled(block.slices, value, worked_out_where(there, status))


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "time_average": time_average,
    "time_average2": time_average2,
    "total": total,
    "total2": total2,
}
