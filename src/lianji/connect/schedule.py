"""When which points are due: a grid in monotonic time, without drift.

Devices start at different moments of their first second (always the same moment for the same
name), so that a hundred devices do not all speak at once. A cycle that overruns skips the moments
that it missed and counts them; it never queues up.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from zlib import crc32

PHASE_S_MAX = 1.0
"""No first reading waits longer than this, however long the interval."""


def phase_of(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return crc32(name.encode()) / 2**32


class Schedule:
    """Groups of points by interval (in seconds); asked with the time, it has no clock of its own.

    ``missed[i]`` counts the moments that group i has skipped because cycles took too long.
    """

    def __init__(self, intervals_s: Sequence[float], name: str, now_s: float) -> None:
        self.intervals_s = tuple(intervals_s)
        self.missed = [0] * len(self.intervals_s)
        self._phase = phase_of(name)
        self.restart(now_s)

    def restart(self, now_s: float) -> None:
        """Begin a new grid, as after a reconnection: everything is due together, and soon."""
        origin = now_s + self._phase * min(self.intervals_s, default=0.0)
        origin = min(origin, now_s + self._phase * PHASE_S_MAX)
        self._origins = [origin] * len(self.intervals_s)
        self._next = list(self._origins)

    def due(self, now_s: float) -> list[int]:
        """The groups whose moment has come."""
        return [group for group, at in enumerate(self._next) if at <= now_s]

    def next_s(self) -> float | None:
        """The next moment at which anything is due; None if there are no groups."""
        return min(self._next, default=None)

    def done(self, groups: Sequence[int], now_s: float) -> None:
        """These groups' cycle is over: each waits for its next moment after now."""
        for group in groups:
            interval, origin = self.intervals_s[group], self._origins[group]
            served = round((self._next[group] - origin) / interval)
            upcoming = floor((now_s - origin) / interval) + 1
            if origin + upcoming * interval <= now_s:  # rounding may land on now itself
                upcoming += 1
            upcoming = max(upcoming, served + 1)
            self.missed[group] += upcoming - served - 1
            self._next[group] = origin + upcoming * interval
