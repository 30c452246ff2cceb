"""What an anomaly detector must beat, and the figures by which it is judged.

Figures are of single rows, as the Skoltech Anomaly Benchmark takes them: F1, the share of normal
rows that were alarmed (FAR) and of abnormal ones that were not (MAR). F1 alone flatters whoever
always alarms, so all three are told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FORGET = 0.9
QUANTILE, TIMES = 0.99, 10
"""Chosen on the test rows of SKAB in this rival's favour. Others give it F1 0.825 at most, with
twice our false alarms."""


def figures_of(truth: Flags, alarms: Flags) -> dict[str, float]:
    """``f1``, ``far`` and ``mar`` of [rows]; NaN-free: 0 where nothing could be wrong."""
    hits, false = int((truth & alarms).sum()), int((~truth & alarms).sum())
    missed, quiet = int((truth & ~alarms).sum()), int((~truth & ~alarms).sum())
    return {
        "f1": 2 * hits / max(2 * hits + false + missed, 1),
        "far": false / max(false + quiet, 1),
        "mar": missed / max(missed + hits, 1),
    }


def always_on(rows: int) -> Flags:
    """An alarm at every row."""
    return np.ones(rows, bool)


def ewma_mahalanobis(normal: Floats, rows: Floats) -> Flags:
    """Smoothed rows whose squared Mahalanobis distance is over ``TIMES`` what 99 % of normal have.

    Lowry, Woodall, Champ, Rigdon, "A multivariate EWMA control chart", Technometrics 1992.
    """
    centre, spread = np.nanmean(normal, axis=0), np.nanstd(normal, axis=0) + 1e-12
    before = _smooth(np.nan_to_num((normal - centre) / spread), np.zeros(normal.shape[1]))
    after = _smooth(np.nan_to_num((rows - centre) / spread), before[-1])
    covariance = np.cov(before, rowvar=False).reshape(normal.shape[1], -1)
    inverse = np.linalg.pinv(covariance).astype(np.float64)
    limit = TIMES * np.quantile(_distance(before, inverse), QUANTILE)
    return np.asarray(_distance(after, inverse) > limit)


def _smooth(rows: Floats, first: Floats) -> Floats:
    out, last = np.empty_like(rows), first
    for place, row in enumerate(rows):
        last = out[place] = FORGET * last + (1 - FORGET) * row
    return out


def _distance(rows: Floats, inverse: Floats) -> Floats:
    return np.asarray(np.einsum("ij,jk,ik->i", rows, inverse, rows))
