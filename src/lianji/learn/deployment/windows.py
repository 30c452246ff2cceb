"""Columns of a model's rows out of samples: the value that held, or an aggregate of a window.

One definition for the running model and for its replay. A window of ``w`` seconds that ends at
``t`` holds the good samples with t - w < time <= t; where there is none the value that held is all
that is known: it is the mean, the smallest and the greatest, and ``std`` is 0. ``std`` is of the
population (divided by n). Missing is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import is_bad
from lianji.learn.models.card import Input
from lianji.learn.models.clock import calendar_of

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
US = 1_000_000
STALE_RUNS = 3
STALE_S = 900.0
"""A sample that is older than this, and than so many runs, is no value any more: devices repeat an
unchanged value each minute by default."""


@dataclass(slots=True)
class Series:
    """The good samples of one tag in order of time: [n] microseconds and [n] values."""

    times_us: Times
    values: Floats

    @classmethod
    def of(cls, times_us: Times, values: Floats, quality: NDArray[np.uint16]) -> Series:
        """``times_us`` ascend."""
        good = ~is_bad(quality) & np.isfinite(values)
        return cls(times_us[good], values[good])


def stale_us(period_s: float) -> int:
    return int(max(STALE_S, STALE_RUNS * period_s) * US)


def column(series: Series, one: Input, ends_us: Times, stale: int) -> Floats:
    """[rows]: the input at each of ``ends_us``. ``stale``: how old the newest may be, in us."""
    ends = ends_us - int(one.lag_s * US)
    if one.aggregate == "hour_of_day" or one.aggregate == "day_of_week":
        return calendar_of(ends, one.aggregate)
    stop = np.searchsorted(series.times_us, ends, side="right")
    held = _held(series, stop)
    if one.aggregate == "last":
        found = held
    elif one.aggregate == "delta":
        start = np.searchsorted(series.times_us, ends - int(one.window_s * US), side="right")
        found = held - _held(series, start)
    else:
        start = np.searchsorted(series.times_us, ends - int(one.window_s * US), side="right")
        found = _aggregate(series.values, start, stop, one.aggregate, held)
    newest = series.times_us[np.maximum(stop - 1, 0)] if len(series.times_us) else ends
    return np.where((stop > 0) & (ends - newest <= stale), found, np.nan)


def _held(series: Series, stop: NDArray[np.intp]) -> Floats:
    if not len(series.values):
        return np.full(len(stop), np.nan)
    return np.where(stop > 0, series.values[np.maximum(stop - 1, 0)], np.nan)


def _aggregate(
    values: Floats, start: NDArray[np.intp], stop: NDArray[np.intp], how: str, held: Floats
) -> Floats:
    count = stop - start
    filled = np.flatnonzero(count > 0)
    found = np.zeros(len(count)) if how == "std" else held.copy()
    if not len(filled):
        return np.where(np.isnan(held), np.nan, found)
    first, last, many = start[filled], stop[filled], count[filled]
    if how in ("min", "max"):
        reduce = np.minimum if how == "min" else np.maximum
        padded = np.append(values, np.inf if how == "min" else -np.inf)
        bounds = np.stack([first, last], axis=1).ravel()
        found[filled] = reduce.reduceat(padded, bounds)[::2]
        return found
    low, high = int(first.min()), int(last.max())
    part = values[low:high]
    middle = float(part.mean())  # so that the squares stay small beside what they differ by
    mean = _sums(part - middle, first - low, last - low) / many
    if how == "mean":
        found[filled] = mean + middle
    else:
        square = _sums((part - middle) ** 2, first - low, last - low) / many
        found[filled] = np.sqrt(np.maximum(square - mean**2, 0))
    return np.where(np.isnan(held), np.nan, found)


def _sums(values: Floats, start: NDArray[np.intp], stop: NDArray[np.intp]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    found: Floats = total[stop] - total[start]
    return found
