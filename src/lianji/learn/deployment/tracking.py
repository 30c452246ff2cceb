"""What late labels teach one output: its correction, and how wide its interval must be.

How a residual is foretold and an interval keeps its promise is ``learn.models.correction`` and
``intervals``; here outputs wait for their labels. Pure: times and values are given.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.card import Card, Output
from lianji.learn.models.correction import residuals_of
from lianji.learn.models.intervals import Intervals

PENDING_MAX = 200_000
Floats = NDArray[np.float64]


class Tracker:
    """One output. Labels and predictions each come in order of time."""

    def __init__(self, card: Card, output: Output) -> None:
        self._card, self._output = card, output
        self._limit = card.correction.limit if card.correction else 0.0
        looks_at_rows = card.correction is not None and card.correction.kind != "bias"
        self._inputs = len(card.inputs) if looks_at_rows else 0
        """So many of a row are kept until its label comes."""
        self._residuals = residuals_of(card.correction, None)
        self._intervals = Intervals.of(output.half_width, card.coverage, None)
        self._period_us = int(card.period_s * 1e6)
        self.bias = 0.0
        """What was added last."""
        self.seen_us = 0
        """The time of the newest label that was taken."""
        self.labels = self.covered = self.unmatched = 0
        self._pending: _Pending | None = None
        if output.label:
            self._pending = _Pending(_pending_max(card, output), 3 + self._inputs)

    @property
    def half(self) -> float | None:
        """Half of the interval just now; None for an output without one."""
        return self._intervals.half_width if self._intervals else None

    def corrected(self, row: Floats, raw: float) -> float:
        """``row`` [inputs]."""
        if self._residuals is None:
            return raw
        self.bias = self._moved(row)
        return raw + self.bias

    def _moved(self, row: Floats) -> float:
        assert self._residuals is not None
        expected = float(self._residuals.expected(row[None])[0])
        return min(self._limit, max(-self._limit, expected))

    def remember(self, time_us: int, row: Floats, raw: float, value: float) -> None:
        """What was given out, until its label comes."""
        if self._pending is not None:
            half = math.nan if self.half is None else self.half
            self._pending.add(time_us, (raw, value, half, *row[: self._inputs].tolist()))

    @property
    def waits_from_us(self) -> int | None:
        """Labels before this are of no use; None if nothing waits."""
        return None if self._pending is None else self._pending.first_us()

    def label(self, time_us: int, truth: float) -> tuple[float, float] | None:
        """Learn from a truth; the residuals (truth less output) before and after correction.

        None if nothing was given out at that time, or it came before.
        """
        if time_us <= self.seen_us or self._pending is None or not math.isfinite(truth):
            return None
        self.seen_us = time_us
        found = self._pending.at(time_us, self._period_us)
        if found is None:
            self.unmatched += 1
            return None
        raw, value, half, *row = found
        self.labels += 1
        if self._intervals is not None:
            error = abs(truth - value)
            self.covered += bool(error <= half)
            self._intervals.learn(error, half)
        if self._residuals is not None:
            inputs = np.array(row)
            self._residuals.learn(inputs, truth - raw)
            if not self._inputs:
                self.bias = self._moved(inputs)
        return truth - raw, truth - value

    # -- what survives a restart -------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "bias": self.bias,
            "seen_us": self.seen_us,
            "labels": self.labels,
            "covered": self.covered,
            "unmatched": self.unmatched,
            "residuals": self._residuals.state() if self._residuals else None,
            "intervals": asdict(self._intervals) if self._intervals else None,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError for what is no state."""
        residuals = residuals_of(self._card.correction, state["residuals"])
        intervals = Intervals.of(self._output.half_width, self._card.coverage, state["intervals"])
        self.bias, self.seen_us = float(state["bias"]), int(state["seen_us"])
        self.labels, self.covered = int(state["labels"]), int(state["covered"])
        self.unmatched = int(state["unmatched"])
        self._residuals, self._intervals = residuals, intervals

    def pending(self) -> Floats | None:
        """[n, 4 or more]: time in us, raw, value, half width, inputs where the correction looks at
        them; None for an output without labels."""
        return None if self._pending is None else self._pending.rows()

    def resume_pending(self, rows: Floats) -> None:
        if self._pending is not None and rows.shape[1] == 4 + self._inputs:
            for time_us, *row in rows.tolist():
                self._pending.add(int(time_us), tuple(row))


class _Pending:
    """What was given out, in order of time, the oldest forgotten."""

    def __init__(self, rows_max: int, columns: int) -> None:
        self._max = rows_max
        self._times = np.empty(2 * rows_max, np.int64)
        self._rows = np.empty((2 * rows_max, columns))
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

    def at(self, time_us: int, period_us: int) -> list[float] | None:
        """What held then: the newest not after it, and less than a period before it."""
        times = self._times[self._start : self._stop]
        place = int(np.searchsorted(times, time_us, side="right")) - 1
        if place < 0 or time_us - times[place] >= period_us:
            return None
        found: list[float] = self._rows[self._start + place].tolist()
        return found

    def rows(self) -> NDArray[np.float64]:
        kept = slice(self._start, self._stop)
        return np.column_stack([self._times[kept].astype(np.float64), self._rows[kept]])


def _pending_max(card: Card, output: Output) -> int:
    """Enough for twice the delay that labels have, and for a window of them."""
    rows = 2 * output.label_delay_s / card.period_s + card.drift.window
    return int(min(max(rows, 256), PENDING_MAX))
