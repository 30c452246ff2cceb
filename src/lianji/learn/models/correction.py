"""What late labels teach a model that runs: a correction of its output, and how wide it errs.

Pure: numpy only, no clock, no files. Whoever runs the model keeps each row with what was said of it
until the true value arrives, and keeps ``state()`` on disk; a restart goes on where it was.

    corrector = Corrector(card)
    answer = corrector.answer(row, raw)               # row [inputs], raw: what the graph gave
    ...                                               # a day later the laboratory speaks
    corrector.learn(row, raw, label, answer)
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lianji.learn.models.card import Card, Correction
from lianji.learn.models.gaussian_process import GaussianProcess
from lianji.learn.models.intervals import Intervals

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is given out, in the output's unit. ``half_width`` is None where the card has none."""

    value: float
    half_width: float | None = None


class Residuals(Protocol):
    """Foretells the residual (label less raw) of a row from the labels that came."""

    def expected(self, rows: Floats) -> Floats:
        """Of rows [n, inputs]: [n]."""
        ...

    def learn(self, row: Floats, residual: float) -> None: ...

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        ...


class Corrector:
    """The correction of a card's first output. ``state`` is what an earlier one gave."""

    def __init__(self, card: Card, state: dict[str, Any] | None = None) -> None:
        given = state or {}
        self._limit = card.correction.limit if card.correction else 0.0
        self._residuals = residuals_of(card.correction, given.get("residuals"))
        self._intervals = Intervals.of(
            card.outputs[0].half_width, card.coverage, given.get("intervals")
        )
        self.labels = int(given.get("labels", 0))
        """How many were learnt."""

    def correct(self, row: ArrayLike, raw: float) -> float:
        """The output of one row [inputs], corrected."""
        return float(self.correct_all(np.atleast_2d(np.asarray(row, np.float64)), [raw])[0])

    def correct_all(self, rows: ArrayLike, raws: ArrayLike) -> Floats:
        """Of rows [n, inputs] and what the graph gave [n]: [n]."""
        raw = np.asarray(raws, np.float64)
        if self._residuals is None:
            return raw
        moved = self._residuals.expected(np.asarray(rows, np.float64))
        corrected: Floats = raw + np.clip(moved, -self._limit, self._limit)
        return corrected

    def answer(self, row: ArrayLike, raw: float) -> Answer:
        """The corrected output and half of its interval."""
        return Answer(self.correct(row, raw), self.half_width)

    @property
    def half_width(self) -> float | None:
        """Of the interval just now."""
        return self._intervals.half_width if self._intervals else None

    def learn(self, row: ArrayLike, raw: float, label: float, said: Answer | None = None) -> None:
        """A true value arrived. ``said`` is what was given out at the time; without it the
        interval learns from what would be said now. Labels come in the order of their rows; one
        that is no number is passed over."""
        if not (math.isfinite(raw) and math.isfinite(label)):
            return
        if self._intervals is not None:
            self._intervals.learn(*_error(said or self.answer(row, raw), label))
        if self._residuals is not None:
            self._residuals.learn(np.asarray(row, np.float64), label - raw)
        self.labels += 1

    def state(self) -> dict[str, Any]:
        """Plain JSON; the same card and state go on as if nothing had been."""
        return {
            "labels": self.labels,
            "residuals": self._residuals.state() if self._residuals else None,
            "intervals": asdict(self._intervals) if self._intervals else None,
        }


def _error(said: Answer, label: float) -> tuple[float, float]:
    """How far off, and what half width was claimed."""
    claimed = said.half_width if said.half_width is not None else math.inf
    return abs(label - said.value), claimed


def residuals_of(told: Correction | None, state: dict[str, Any] | None) -> Residuals | None:
    """What a card asks for, going on from an earlier one's ``state``; None for no correction. The
    caller keeps to ``limit``."""
    if told is None:
        return None
    if told.kind == "bias":
        return Bias(told.forgetting, **(state or {}))
    return GaussianProcess(told, **(state or {}))


@dataclass(slots=True)
class Bias:
    """The exponentially weighted mean residual."""

    forgetting: float
    value: float = 0.0

    def expected(self, rows: Floats) -> Floats:
        return np.full(len(rows), self.value)

    def learn(self, row: Floats, residual: float) -> None:
        self.value = self.forgetting * self.value + (1 - self.forgetting) * residual

    def state(self) -> dict[str, Any]:
        return {"value": self.value}
