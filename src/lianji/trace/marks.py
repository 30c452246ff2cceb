"""Marks: when a batch waited and when it was served, stage by stage.

A mark must cost less than half a microsecond, so it is one append of one number; everything
else is worked out by whoever asks.
"""

from __future__ import annotations

import time
from enum import IntEnum

_now_ns = time.monotonic_ns


class Stage(IntEnum):
    """The stations of a batch, in the order of its way."""

    READ = 0
    DECODE = 1
    SPOOL = 2
    RELAY = 3
    FLUSH = 4
    COMMIT = 5


class Marks(list[int]):
    """Flat triples: stage, ns waited, ns served. Times are monotonic, never wall time."""

    __slots__ = ()

    def add(self, stage: Stage, arrived_ns: int, started_ns: int) -> int:
        """Record a stage that has just ended; returns now, where the next stage's wait begins."""
        now = _now_ns()
        self += (stage, started_ns - arrived_ns, now - started_ns)
        return now
