"""How good it is: figures of what was said against what was true. NaN on either side is no row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def r2(truth: Floats, said: Floats) -> float:
    """Share of the truth's variance that is explained; below 0 the mean would be better."""
    truth, said = _both(truth, said)
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - said) ** 2).sum()) / spread if spread else float("nan")


def mae(truth: Floats, said: Floats) -> float:
    """Mean absolute error."""
    truth, said = _both(truth, said)
    return float(np.abs(truth - said).mean())


def rmse(truth: Floats, said: Floats) -> float:
    """Root mean square error."""
    truth, said = _both(truth, said)
    return float(np.sqrt(((truth - said) ** 2).mean()))


def covered(truth: Floats, said: Floats, half_widths: Floats) -> float:
    """Share of true values within the interval that was claimed for them."""
    known = np.isfinite(truth) & np.isfinite(said) & np.isfinite(half_widths)
    return float((np.abs(truth - said)[known] <= half_widths[known]).mean())


def held(times_us: NDArray[np.int64], labels: Floats, delay_us: int) -> Floats:
    """The last label that had arrived, held; NaN before the first."""
    known = np.flatnonzero(np.isfinite(labels))
    places = np.searchsorted(times_us[known], times_us - delay_us, side="right") - 1
    found = np.where(places >= 0, labels[known][np.maximum(places, 0)], np.nan)
    return np.asarray(found, np.float64)


def first_drift(
    times_us: NDArray[np.int64], residuals: Floats, delay_us: int, window: int, limit: float
) -> int | None:
    """When the mean of the last ``window`` residuals had first passed ``limit``: microseconds
    after the first row, the label's delay included. None: never."""
    known = np.flatnonzero(np.isfinite(residuals))
    if len(known) < window:
        return None
    sums = np.concatenate([[0.0], np.cumsum(residuals[known])])
    means = np.abs(sums[window:] - sums[:-window]) / window
    over = np.flatnonzero(means > limit)
    if not len(over):
        return None
    place = known[over[0] + window - 1]
    return int(times_us[place] - times_us[0]) + delay_us


def _both(truth: Floats, said: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(truth) & np.isfinite(said)
    return truth[known], said[known]
