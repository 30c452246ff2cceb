"""Rates: what counters did over the last seconds, from a few snapshots of them."""

from __future__ import annotations

from collections import deque

from lianji.base.clock import monotonic_s

WINDOW_S = 10.0


class Rate:
    """Turns a counter that only grows into a figure a second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def note(self, count: float) -> None:
        now = monotonic_s()
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW_S:
            self._seen.popleft()

    @property
    def a_second(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0
