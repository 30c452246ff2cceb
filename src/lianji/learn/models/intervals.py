"""Intervals that hold their promise while the world drifts: adaptive conformal inference.

Gibbs and Candès, "Adaptive Conformal Inference Under Distribution Shift" (NeurIPS 2021): the half
width is a quantile of the last errors; its level rises after each miss and falls after each hit, so
that over time the promised share is held whatever the errors do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

ERRORS_MAX = 500
STEP = 0.005
"""How far one label moves the level: gamma in the paper, section 2.1."""


@dataclass(slots=True)
class Intervals:
    """``half_width`` is that of the training until there are enough errors to replace it."""

    coverage: float
    half_width: float
    level: float
    """What share of the last errors the half width is to hold; below 0 nothing, above 1 all."""
    errors: list[float] = field(default_factory=list)
    """The last ones, absolute, in the order in which they came."""

    @classmethod
    def of(
        cls, half_width: float | None, coverage: float, state: dict[str, Any] | None
    ) -> Intervals | None:
        """As an earlier one was, or as trained; None for a model without intervals."""
        if half_width is None:
            return None
        return cls(**state) if state else cls(coverage, half_width, coverage)

    def learn(self, error: float, claimed: float) -> None:
        """An absolute error, and the half width that was claimed for it at the time."""
        miss = float(error > claimed)
        self.level += STEP * (miss - (1 - self.coverage))
        self.errors = [*self.errors[1 - ERRORS_MAX :], float(error)]
        if len(self.errors) >= enough(self.coverage):
            self.half_width = quantile(self.errors, self.level)


def enough(coverage: float) -> int:
    """Errors of which so many are needed that a quantile at ``coverage`` is one of them, thrice."""
    return math.ceil(3 / (1 - coverage))


def quantile(errors: list[float], level: float) -> float:
    """The smallest half width that holds a share ``level`` of the errors and of one more
    (split conformal: Lei et al. 2018, section 2.2); never more than 1.5 times the largest."""
    ranked = sorted(errors)
    place = math.ceil(level * (len(ranked) + 1)) - 1
    if place >= len(ranked):
        return 1.5 * ranked[-1]
    return ranked[max(0, place)]
