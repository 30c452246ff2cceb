"""How far two parts of a column are from one another. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROWS_MIN = 100
ROWS_MAX = 200_000
_BINS = 10
_LEAST = 1e-4
"""A bin in which there is nothing counts as this share."""


def comparable(first: Floats, second: Floats) -> bool:
    return min(len(first), len(second)) >= ROWS_MIN


def psi(expected: Floats, actual: Floats) -> float:
    """The population stability index over tenths of ``expected``: below 0.1 the same, above 0.25
    another population (Siddiqi, Credit Risk Scorecards, 2006)."""
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, _BINS + 1)[1:-1]))
    before, after = (_bin_shares(some, edges) for some in (expected, actual))
    return float(((after - before) * np.log(after / before)).sum())


def _bin_shares(values: Floats, edges: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return np.maximum(counts / len(values), _LEAST)


def ks(first: Floats, second: Floats) -> float:
    """The greatest distance of two distribution functions (Kolmogorov-Smirnov), 0 to 1."""
    first, second = np.sort(first), np.sort(second)
    every = np.concatenate((first, second))
    below = (np.searchsorted(some, every, side="right") / len(some) for some in (first, second))
    a, b = below
    return float(np.abs(a - b).max())


def some(values: Floats) -> Floats:
    """Evenly spread over all, where they are many."""
    return values[:: max(1, -(-len(values) // ROWS_MAX))]
