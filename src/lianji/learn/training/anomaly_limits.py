"""How far a signal may be off before it is an alarm, from rows of normal operation alone.

Each signal is looked at as means over windows of several lengths: short ones see a large fault
soon, long ones see a small one at all. The limit of a window follows from an alarm budget, and from
how much the rows can tell: a signal that wanders slowly gives few independent looks, so that its
true spread is larger than the one that was seen, and its limit is widened accordingly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.events import Rule, alarmed

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
RESOLUTION = 4 * float(np.finfo(np.float32).eps)
"""Of the rows that a model is given: what is less is no distance."""
LOOKS_MIN = 2.0
"""A signal that gave fewer independent looks is taken to have given as many."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``centre`` [signals]; ``half`` [signals, windows]: a mean further off than that is one
    alarm too many; ``looks`` [signals]: how many independent ones the rows held; ``raised``: by
    what all limits were raised to keep the budget on the training rows."""

    spans: tuple[int, ...]
    centre: Floats
    half: Floats
    looks: Floats
    raised: float

    def contributions(self, values: Floats) -> Floats:
        """[rows, signals] of ``values`` [rows, signals]: distance from normal in limits, the most
        of all windows; NaN where nothing was measured."""
        return _furthest(values, self.spans, self.centre, self.half)


def window_means(values: Floats, rows: int) -> Floats:
    """Trailing means over ``rows`` rows (fewer at the begin) of what is no NaN. [rows, signals]"""
    there = ~np.isnan(values)
    sums, counts = _trailing(np.where(there, values, 0.0), rows), _trailing(there, rows)
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts > 0, counts, np.nan)


def fit_limits(
    values: Floats, inside: Flags, spans: Sequence[int], alarms_per_row: float, rule: Rule
) -> Limits:
    """``values`` [rows, signals] with NaN for what is missing; ``inside`` [rows]: in the operating
    state; ``spans``: windows in rows, rising, each a multiple of the first. ``alarms_per_row`` is
    the budget. Signals that never change must have been taken out.
    """
    base = spans[0]
    blocks = _blocks(values, inside, base)
    looks = independent_looks(blocks)
    count = len(blocks)
    centre = np.nanmean(blocks, axis=0)
    spread = np.nanstd(blocks, axis=0, ddof=1)
    memory = np.maximum((count - looks) / (count + looks), 0)
    looks = np.maximum(looks, LOOKS_MIN)
    half = np.empty((values.shape[1], len(spans)))
    for place, span in enumerate(spans):
        shrunk = np.array([_mean_variance(one, span // base) for one in memory])
        unsure = np.sqrt(shrunk * looks / (looks - 1) + 1 / (looks - 1))
        chance = alarms_per_row * span / half.size
        half[:, place] = spread * unsure * NormalDist().inv_cdf(1 - min(chance, 0.1) / 2)
    half = np.maximum(half, RESOLUTION * np.abs(centre)[:, None])
    allowed = int(alarms_per_row * inside.sum())
    settled = _trailing(inside, spans[-1]) == spans[-1]
    scores = score_of(_furthest(values, spans, centre, half))[settled]
    raised = _raised(scores, allowed, rule)
    return Limits(tuple(spans), centre, half * raised, looks, raised)


def score_of(contributions: Floats) -> Floats:
    """The furthest signal of each row; NaN where none was measured. [rows]"""
    known = ~np.isnan(contributions)
    worst = np.where(known, contributions, 0.0).max(axis=1)
    return np.where(known.any(axis=1), worst, np.nan)


def independent_looks(blocks: Floats) -> Floats:
    """Effective sample size of a first-order autoregression, [signals] of ``blocks`` [n, signals].

    n (1 - r) / (1 + r) with the lag-1 autocorrelation r, whose bias of about -1/n is undone
    (Bayley and Hammersley 1946; Marriott and Pope, Biometrika 1954).
    """
    off = np.nan_to_num(blocks - np.nanmean(blocks, axis=0))
    power = (off * off).sum(axis=0)
    with np.errstate(invalid="ignore"):
        together = (off[1:] * off[:-1]).sum(axis=0) / np.where(power > 0, power, np.nan)
    r = np.clip(np.nan_to_num(together) + 1 / len(blocks), 0, 0.999)
    return np.asarray(len(blocks) * (1 - r) / (1 + r))


def _furthest(values: Floats, spans: Sequence[int], centre: Floats, half: Floats) -> Floats:
    off = [
        np.abs(window_means(values, span) - centre) / half[:, place]
        for place, span in enumerate(spans)
    ]
    return np.asarray(np.fmax.reduce(off))


def _blocks(values: Floats, inside: Flags, base: int) -> Floats:
    """Means of rows that follow each other and do not overlap, all in the operating state."""
    ends = np.arange(base - 1, len(values), base)
    whole = (_trailing(inside, base) == base)[ends]
    means = window_means(values, base)[ends][whole]
    return np.asarray(means[~np.isnan(means).all(axis=1)])


def _mean_variance(memory: float, count: int) -> float:
    """Variance of the mean of ``count`` terms of a first-order autoregression, of its own."""
    lags = np.arange(1, count)
    return float((1 + 2 * ((1 - lags / count) * memory**lags).sum()) / count)


def _raised(scores: Floats, allowed: int, rule: Rule) -> float:
    """The least factor on the limits, at least 1, with which at most ``allowed`` events begin."""
    if len(scores) == 0 or _begun(scores, rule) <= allowed:
        return 1.0
    low, high = 1.0, float(np.nanmax(scores))
    while allowed and high / low > 1.01:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if _begun(scores / middle, rule) <= allowed else (middle, high)
    return high


def _begun(scores: Floats, rule: Rule) -> int:
    flags = alarmed(scores, rule)
    return int(flags[:1].sum() + (flags[1:] & ~flags[:-1]).sum())


def _trailing(values: NDArray[np.generic], rows: int) -> Floats:
    """Sums over the last ``rows`` rows."""
    sums = np.cumsum(values.astype(np.float64), axis=0)
    out = sums.copy()
    out[rows:] -= sums[:-rows]
    return out
