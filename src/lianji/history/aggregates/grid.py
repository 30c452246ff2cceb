"""The grid: the time asked for, cut into processing intervals (OPC 10000-13, 5.4.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text


@dataclass(frozen=True, slots=True)
class Grid:
    """Intervals [start + k step, start + (k + 1) step), the last one cut at ``end_us``.

    Each begins with its first instant and ends before its last: a sample at an edge belongs to
    the interval that it begins. Raises InputError where time does not go forward.
    """

    start_us: int
    end_us: int
    step_us: int

    def __post_init__(self) -> None:
        if self.start_us >= self.end_us or self.step_us <= 0:
            raise InputError(
                "aggregate-grid",
                Text(
                    "The time asked for is empty, or its intervals have no length.",
                    "所查询的时间段为空，或处理间隔没有长度。",
                ),
                Text(
                    "Give a start before the end and an interval above zero.",
                    "请让起始时间早于结束时间，并给出大于零的间隔。",
                ),
            )

    @property
    def n_intervals(self) -> int:
        return -(-(self.end_us - self.start_us) // self.step_us)

    @property
    def is_cut(self) -> bool:
        """True where the last interval is shorter than the others."""
        return (self.end_us - self.start_us) % self.step_us != 0

    @property
    def edges_us(self) -> NDArray[np.int64]:
        """Where the intervals begin, and behind them where the last one ends."""
        edges = self.start_us + self.step_us * np.arange(self.n_intervals + 1, dtype=np.int64)
        edges[-1] = self.end_us
        return edges
