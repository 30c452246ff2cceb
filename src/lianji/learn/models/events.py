"""Alarms out of a score: one event for one thing that happened, with its causes in their order.

A detector's score is 1 at its limit. An event begins above the limit and ends when the score has
fallen below a share of its peak, or below the limit: a signal that was thrown far and comes back
slowly is over its event long before it is home. What stays off after an event is not told again
until it grows by half; the limit comes down again with the score. Pure: numbers in, events out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
END, AGAIN, MERGE_S = 0.6, 1.5, 60.0
"""Chosen on simulated faults: see the guide."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When events begin and end."""

    end: float = END
    """An event is over below this share of its peak."""
    again: float = AGAIN
    """After an event the limit is this many times what was left of the score."""
    merge_s: float = MERGE_S
    """Events that lie no further apart are one."""


@dataclass(slots=True)
class Watch:
    """The state between two scores: three numbers, which may be kept as JSON."""

    rule: Rule
    is_open: bool = False
    peak: float = 0.0
    limit: float = 1.0

    def see(self, score: float) -> bool:
        """Whether an event is under way with this score. NaN changes nothing."""
        if np.isnan(score):
            return self.is_open
        if self.is_open:
            self.peak = max(self.peak, score)
            if score < max(1.0, self.rule.end * self.peak):
                self.is_open = False
                self.limit = max(1.0, self.rule.again * score)
        else:
            self.limit = max(1.0, min(self.limit, self.rule.again * score))
            if score > self.limit:
                self.is_open, self.peak = True, score
        return self.is_open


@dataclass(frozen=True, slots=True)
class Event:
    """From the first to the last row of it, in microseconds since 1970 UTC."""

    start_us: int
    end_us: int
    peak: float
    causes: list[tuple[str, float]]
    """Inputs and the most that each was off, in its own limits; the furthest first."""


def alarmed(scores: Floats, rule: Rule) -> NDArray[np.bool_]:
    """Of each score [rows], in the order of time, whether an event is under way."""
    watch = Watch(rule)
    return np.fromiter((watch.see(one) for one in scores.tolist()), bool, len(scores))


def events_of(
    times_us: NDArray[np.int64],
    scores: Floats,
    contributions: Floats,
    names: Sequence[str],
    rule: Rule,
) -> list[Event]:
    """Merged events. ``scores`` [rows], ``contributions`` [rows, names]."""
    spans: list[list[int]] = []
    for row in np.flatnonzero(alarmed(scores, rule)).tolist():
        last = spans[-1][1] if spans else -1
        near = last >= 0 and times_us[row] - times_us[last] <= rule.merge_s * 1e6
        if near or (last >= 0 and row == last + 1):
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return [_event(times_us, scores, contributions, names, *span) for span in spans]


def _event(
    times_us: NDArray[np.int64],
    scores: Floats,
    contributions: Floats,
    names: Sequence[str],
    first: int,
    last: int,
) -> Event:
    rows = slice(first, last + 1)
    most = np.nan_to_num(contributions[rows]).max(axis=0)
    order = np.argsort(-most, kind="stable")
    causes = [(names[place], float(most[place])) for place in order]
    peak = float(np.nanmax(scores[rows]))
    return Event(int(times_us[first]), int(times_us[last]), peak, causes)
