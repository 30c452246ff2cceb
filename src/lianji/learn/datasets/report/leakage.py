"""Does a column give the target away? Correlations now and at lags. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lianji.learn.datasets.report.finding import Lag

Floats = NDArray[np.float64]
LAGS_MAX = 24
ROWS_MAX = 500_000
ROWS_MIN = 50


def lags(column: Floats, target: Floats) -> Lag | None:
    """Both in order of time on one grid, NaN where there is none. None if there is too little.

    ``leads``: column[t] with target[t + k], the column knows what the target will be.
    ``follows``: column[t + k] with target[t], the column is known only when the target is over.
    """
    column, target = column[:ROWS_MAX], target[:ROWS_MAX]
    now = correlation(column, target)
    if now is None:
        return None
    most = min(LAGS_MAX, len(column) // 10)
    leads = [correlation(column[:-k], target[k:]) or 0.0 for k in range(1, most + 1)]
    follows = [correlation(column[k:], target[:-k]) or 0.0 for k in range(1, most + 1)]
    (lead, lead_steps), (follow, follow_steps) = _strongest(leads), _strongest(follows)
    return Lag(
        now=now,
        leads=lead,
        leads_steps=lead_steps,
        follows=follow,
        follows_steps=follow_steps,
    )


def correlation(first: Floats, second: Floats) -> float | None:
    """Pearson's, of the rows where both are there; None if one of them does not move."""
    both = ~(np.isnan(first) | np.isnan(second))
    if np.count_nonzero(both) < ROWS_MIN:
        return None
    a, b = first[both], second[both]
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 and np.isfinite(size) else None


def _strongest(found: list[float]) -> tuple[float, int]:
    """The strongest and its lag in steps."""
    if not found:
        return 0.0, 0
    place = int(np.argmax(np.abs(found)))
    return found[place], place + 1
