"""How fast the spool grows: over the last minutes, so that one burst does not judge a year."""

from __future__ import annotations

from collections import deque

from lianji.base.clock import monotonic_s

WINDOW_S = 600.0
NOTE_EVERY_S = 5.0
JUDGE_AFTER_S = 120.0


class Pace:
    """Bytes a second, from a few notes of a counter that only grows."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque([(monotonic_s(), 0)])

    def note(self, count: int) -> None:
        now = monotonic_s()
        if now - self._notes[-1][0] < NOTE_EVERY_S:
            return
        self._notes.append((now, count))
        while self._notes[1][0] < now - WINDOW_S:
            self._notes.popleft()

    @property
    def a_second(self) -> float | None:
        """None until it has been watched for two minutes."""
        (first_s, first), (last_s, last) = self._notes[0], self._notes[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= JUDGE_AFTER_S else None
