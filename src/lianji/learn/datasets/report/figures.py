"""Figures of one column: what is missing, stands, jumps, lies outside. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import BAD_BIT, SEVERITY_MASK, UNCERTAIN_BIT, Quality

Floats = NDArray[np.float64]
SPIKE_TIMES = 10.0
"""A spike leaves and comes back by so many robust standard deviations of the usual step."""
BURST_TIMES = 2.0
"""And by so many times what 99 % of the steps stay below: a signal that often jumps has no spikes.
"""
_NORMAL = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""
STEPS_MAX = 500_000
"""Of so many, evenly spread, is learnt how a column usually moves."""
RUNS_COMPARED = 10


@dataclass(slots=True)
class Values:
    """A column in order of time. ``value`` is NaN where there is no number; ``part`` is the place
    of the part that a row is in. Shapes (rows,)."""

    time_us: NDArray[np.int64]
    value: Floats
    quality: NDArray[np.uint16]
    part: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def numbers(self) -> Floats:
        return self.value[~np.isnan(self.value)]


def shares(values: Values) -> tuple[float, float, float]:
    """Missing, of bad quality, of uncertain quality. What has no value for want of samples is
    missing, not bad."""
    if not len(values):
        return 1.0, 0.0, 0.0
    none = np.isnan(values.value)
    no_data = values.quality == Quality.BAD_NO_DATA
    bad = ((values.quality & BAD_BIT) != 0) & ~no_data
    uncertain = (values.quality & SEVERITY_MASK) == UNCERTAIN_BIT
    return float((none & ~bad).mean()), float(bad.mean()), float(uncertain.mean())


@dataclass(frozen=True, slots=True)
class Run:
    """The longest stretch of one value; ``usual`` is the length of the tenth longest."""

    rows: int
    first: int
    usual: int


def longest_run(value: Floats) -> Run:
    """NaN ends a run."""
    if not len(value):
        return Run(0, 0, 0)
    changes = np.flatnonzero(~(value[1:] == value[:-1])) + 1
    begins = np.append(0, changes)
    lengths = np.diff(np.append(begins, len(value)))
    longest = int(lengths.argmax())
    if np.isnan(value[begins[longest]]):
        return Run(0, 0, 0)
    tenth = max(0, len(lengths) - RUNS_COMPARED)
    usual = int(np.partition(lengths, tenth)[tenth])
    return Run(int(lengths[longest]), int(begins[longest]), usual)


def spikes(value: Floats) -> int:
    """How many rows leave and come straight back by far more than the column usually moves."""
    value = value[~np.isnan(value)]
    steps = np.diff(value)
    if len(steps) < 3:
        return 0
    some = steps[:: -(-len(steps) // STEPS_MAX)]
    often = BURST_TIMES * float(np.quantile(np.abs(some), 0.99))
    limit = max(SPIKE_TIMES * _usual_step(some), often)
    if limit <= 0:
        return 0
    out, back = steps[:-1], steps[1:]
    far = (np.abs(out) > limit) & (np.abs(back) > limit)
    return int(np.count_nonzero(far & (out * back < 0)))


def _usual_step(steps: Floats) -> float:
    """The median absolute deviation; of a column that mostly stands, how far it moves then."""
    spread = _NORMAL * float(np.median(np.abs(steps - np.median(steps))))
    if spread > 0:
        return spread
    moved = np.abs(steps[steps != 0])
    return float(np.quantile(moved, 0.9)) if len(moved) else 0.0


def outside(value: Floats, low: float | None, high: float | None) -> float:
    """The share of numbers below ``low`` or above ``high``."""
    if not len(value):
        return 0.0
    below = value < (-np.inf if low is None else low)
    above = value > (np.inf if high is None else high)
    return float((below | above).mean())


def holes(time_us: NDArray[np.int64], start_us: int, end_us: int) -> float:
    """The share of the range in which a signal that comes regularly did not come: intervals of
    more than ten times the usual one."""
    if len(time_us) < 10:
        return 0.0
    usual = float(np.median(np.diff(time_us)))
    spans = np.diff(np.concatenate(([start_us], time_us, [end_us])))
    return float(spans[spans > 10 * usual].sum()) / (end_us - start_us)
