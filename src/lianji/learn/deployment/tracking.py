"""What late labels teach one output: its bias, and how wide its interval must be.

Bias: exponentially weighted mean of truth less raw output (``card.Correction``). Interval:
adaptive conformal inference (Gibbs & Candes 2021, "Adaptive Conformal Inference Under Distribution
Shift", NeurIPS 34): the level a moves by g * ((1 - coverage) - missed) with each label, and the
half width is the (1 - a) quantile of the last absolute residuals. Pure: times and values are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.card import Card, Output

SCORES = 500
SCORES_MIN = 30
"""With fewer residuals the card's own half width stands."""
RATE = 0.005
"""g of the paper, and its default: faster ones cover too little where labels come a day late."""
PENDING_MAX = 200_000


class Tracker:
    """One output. Labels and predictions each come in order of time."""

    def __init__(self, card: Card, output: Output) -> None:
        self._correction = card.correction
        self._miss = 1 - card.coverage
        self._own_half = output.half_width
        self._period_us = int(card.period_s * 1e6)
        self.bias = 0.0
        self.level = self._miss
        self.half = output.half_width
        self.seen_us = 0
        """The time of the newest label that was taken."""
        self.labels = self.covered = self.unmatched = 0
        self._scores: list[float] = []
        self._pending = _Pending(_pending_max(card, output)) if output.label else None

    def corrected(self, raw: float) -> float:
        return raw + self.bias

    def remember(self, time_us: int, raw: float, value: float) -> None:
        """What was given out, until its label comes."""
        if self._pending is not None:
            half = np.nan if self.half is None else self.half
            self._pending.add(time_us, (raw, value, half))

    @property
    def waits_from_us(self) -> int | None:
        """Labels before this are of no use; None if nothing waits."""
        return None if self._pending is None else self._pending.first_us()

    def label(self, time_us: int, truth: float) -> tuple[float, float] | None:
        """Learn from a truth; the residuals (truth less output) before and after correction.

        None if nothing was given out at that time, or it came before.
        """
        if time_us <= self.seen_us or self._pending is None or not np.isfinite(truth):
            return None
        self.seen_us = time_us
        found = self._pending.at(time_us, self._period_us)
        if found is None:
            self.unmatched += 1
            return None
        raw, value, half = found
        self.labels += 1
        if self._correction is not None:
            keep, limit = self._correction.forgetting, self._correction.limit
            moved = keep * self.bias + (1 - keep) * (truth - raw)
            self.bias = float(np.clip(moved, -limit, limit))
        self._adapt(abs(truth - value), half)
        return truth - raw, truth - value

    def _adapt(self, score: float, half: float) -> None:
        if self._own_half is None:
            return
        missed = bool(score > half)
        self.covered += not missed
        self.level = float(np.clip(self.level + RATE * (self._miss - missed), 0.001, 0.5))
        self._scores = [*self._scores[1 - SCORES :], score]
        if len(self._scores) >= SCORES_MIN:
            self.half = float(np.quantile(self._scores, 1 - self.level, method="higher"))

    # -- what survives a restart -------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        names = ("bias", "level", "half", "seen_us", "labels", "covered", "unmatched")
        return {name: getattr(self, name) for name in names} | {"scores": self._scores}

    def resume(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError for what is no state."""
        self.bias, self.level = float(state["bias"]), float(state["level"])
        self.half = None if self._own_half is None else float(state["half"])
        self.seen_us, self.labels = int(state["seen_us"]), int(state["labels"])
        self.covered, self.unmatched = int(state["covered"]), int(state["unmatched"])
        self._scores = [float(one) for one in state["scores"]][-SCORES:]

    def pending(self) -> NDArray[np.float64] | None:
        """[n, 4]: time in us, raw, value, half width; None for an output without labels."""
        return None if self._pending is None else self._pending.rows()

    def resume_pending(self, rows: NDArray[np.float64]) -> None:
        if self._pending is not None:
            for time_us, *row in rows.tolist():
                self._pending.add(int(time_us), tuple(row))


class _Pending:
    """What was given out, in order of time, the oldest forgotten."""

    def __init__(self, rows_max: int) -> None:
        self._max = rows_max
        self._times = np.empty(2 * rows_max, np.int64)
        self._rows = np.empty((2 * rows_max, 3))
        self._start = self._stop = 0

    def add(self, time_us: int, row: tuple[float, ...]) -> None:
        if self._stop > self._start and time_us <= self._times[self._stop - 1]:
            return
        if self._stop == len(self._times):
            kept = slice(self._stop - self._max, self._stop)
            self._times[: self._max], self._rows[: self._max] = self._times[kept], self._rows[kept]
            self._start, self._stop = 0, self._max
        self._times[self._stop], self._rows[self._stop] = time_us, row
        self._stop += 1
        self._start = max(self._start, self._stop - self._max)

    def first_us(self) -> int | None:
        return int(self._times[self._start]) if self._stop > self._start else None

    def at(self, time_us: int, period_us: int) -> tuple[float, float, float] | None:
        """What held then: the newest not after it, and less than a period before it."""
        times = self._times[self._start : self._stop]
        place = int(np.searchsorted(times, time_us, side="right")) - 1
        if place < 0 or time_us - times[place] >= period_us:
            return None
        raw, value, half = self._rows[self._start + place].tolist()
        return raw, value, half

    def rows(self) -> NDArray[np.float64]:
        kept = slice(self._start, self._stop)
        return np.column_stack([self._times[kept].astype(np.float64), self._rows[kept]])


def _pending_max(card: Card, output: Output) -> int:
    """Enough for twice the delay that labels have, and for a window of them."""
    rows = 2 * output.label_delay_s / card.period_s + card.drift.window
    return int(min(max(rows, 256), PENDING_MAX))
