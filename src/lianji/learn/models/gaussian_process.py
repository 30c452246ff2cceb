"""What a model gets wrong, foretold where inputs are alike and labels young.

Gaussian process regression of the last residuals (Rasmussen and Williams, "Gaussian Processes for
Machine Learning", 2006, section 2.2); ``card.Correction`` says what covaries with what. Since that
depends on how many labels lie between two rows and not on when they came, the inverse of the window
can be moved on by a label (ibid. A.3, the inverse of a partitioned matrix): 1 ms at 500 labels, all
of it in numpy's own loops, so that a busy machine's other cores are not waited for.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lianji.learn.models.card import Correction

Floats = NDArray[np.float64]
FEW = 4
"""So many labels are worked in one by one; with more it is quicker to begin anew."""
MOVES_MAX = 500
"""Moves after which the inverse is worked out anew, so that rounding never adds up."""


class GaussianProcess:
    """The residuals of one model. ``rows`` [n, inputs] and ``residuals`` [n] are those of an
    earlier one's ``state``; None among the inputs is a missing value."""

    def __init__(
        self,
        told: Correction,
        rows: Iterable[Iterable[float | None]] = (),
        residuals: Iterable[float] = (),
    ) -> None:
        self._told = told
        self._centres = np.asarray(told.centres, np.float64)
        self._scales = np.asarray(told.scales, np.float64) * told.length
        given = [np.array([math.nan if one is None else one for one in row]) for row in rows]
        self._rows: deque[Floats] = deque(given, maxlen=told.window)
        self._residuals: deque[float] = deque(residuals, maxlen=told.window)
        self._decay = np.exp(-np.arange(told.window) / told.age)
        """By labels apart: what is left of a covariance."""
        self._fresh = len(self._residuals)
        self._moves = 0
        self._known: Floats = np.empty((0, len(self._centres)))
        self._inverse: Floats | None = None
        self._weights: Floats = np.empty(0)

    def expected(self, rows: Floats) -> Floats:
        """[n, inputs] -> [n]. Labels that came since are worked in now, and once."""
        if not self._residuals:
            return np.zeros(len(rows))
        if self._fresh:
            self._work_in()
        decay = self._decay[: len(self._known)][::-1] * math.exp(-self._told.ahead / self._told.age)
        covariance = self._covariance(self._scaled(rows), self._known, decay[None, :])
        foretold: Floats = np.einsum("nm,m->n", covariance, self._weights)
        return foretold

    def learn(self, row: Floats, residual: float) -> None:
        self._rows.append(row)
        self._residuals.append(residual)
        self._fresh += 1

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [[None if math.isnan(one) else float(one) for one in row] for row in self._rows]
        return {"rows": rows, "residuals": [float(one) for one in self._residuals]}

    def _work_in(self) -> None:
        residuals = np.asarray(self._residuals, np.float64)
        if self._inverse is not None and self._fresh <= FEW and self._moves < MOVES_MAX:
            for place in range(len(self._rows) - self._fresh, len(self._rows)):
                self._move(self._scaled(self._rows[place][None, :]))
            self._weights = np.einsum("nm,m->n", self._inverse, residuals)
        else:
            self._begin_anew(residuals)
        self._fresh = 0

    def _begin_anew(self, residuals: Floats) -> None:
        """The inverse is kept only where labels come one by one."""
        self._known = self._scaled(np.stack(self._rows))
        count = len(self._known)
        both = np.concatenate([self._decay[:count][::-1], self._decay[1:count]])
        decay = sliding_window_view(both, count)[::-1]  # [i, j]: that of |i - j|
        covariance = self._covariance(self._known, self._known, decay)
        covariance.flat[:: count + 1] += self._told.noise_variance
        self._moves = 0
        if self._fresh <= FEW:
            self._inverse = np.linalg.inv(covariance).astype(np.float64)
            self._weights = np.einsum("nm,m->n", self._inverse, residuals)
        else:
            self._inverse = None
            self._weights = np.linalg.solve(covariance, residuals).astype(np.float64)

    def _move(self, row: Floats) -> None:
        """Take in a scaled row [1, inputs]; the oldest goes if the window is full."""
        inverse = self._inverse
        assert inverse is not None, "moved before it was there"
        if len(self._known) == self._told.window:
            first = inverse[1:, 0]
            inverse = inverse[1:, 1:] - np.outer(first, first / inverse[0, 0])
            self._known = self._known[1:]
        count = len(self._known)
        decay = self._decay[1 : count + 1][::-1][None, :]
        covariance = self._covariance(row, self._known, decay)[0]
        own = self._told.constant_variance + self._told.local_variance
        along: Floats = np.einsum("nm,m->n", inverse, covariance)
        left = own + self._told.noise_variance - float((covariance * along).sum())
        grown = np.empty((count + 1, count + 1))
        np.add(inverse, np.outer(along, along / left), out=grown[:count, :count])
        grown[count, :count] = grown[:count, count] = -along / left
        grown[count, count] = 1 / left
        self._inverse, self._known = grown, np.concatenate([self._known, row])
        self._moves += 1

    def _scaled(self, rows: Floats) -> Floats:
        """What is missing stands at its centre."""
        scaled = (rows - self._centres) / self._scales
        return np.where(np.isfinite(scaled), scaled, 0.0)

    def _covariance(self, these: Floats, those: Floats, decay: Floats) -> Floats:
        """[n, inputs], [m, inputs] and what their ages leave of it [n or 1, m]: [n, m]."""
        few = len(these) == 1
        found: Floats = np.einsum("ni,mi->nm", these, those) if few else these @ those.T
        found *= -2
        found += (these**2).sum(1)[:, None]
        found += (those**2).sum(1)[None, :]
        np.maximum(found, 0.0, out=found)
        found /= -2
        np.exp(found, out=found)
        found *= self._told.local_variance
        found += self._told.constant_variance
        found *= decay
        return found
