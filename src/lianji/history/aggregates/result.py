"""Result: what an aggregate says of each tag and interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.slices import Flags, Floats, Instants, Slices
from lianji.history.aggregates.status import BAD_NO_DATA, PARTIAL, Statuses, flagged, is_bad


@dataclass(slots=True)
class Result:
    """Shapes (tags, intervals): value (NaN: none), full status code, and a time of its own.

    ``time_us`` is None where the result is told at the interval's start, as most are.
    """

    value: Floats
    status: Statuses
    time_us: Instants | None = None

    @classmethod
    def blank(cls, n_tags: int, grid: Grid, tells_time: bool) -> Result:
        """As if no tag had a sample."""
        shape = (n_tags, grid.n_intervals)
        time_us = np.tile(grid.edges_us[:-1], (n_tags, 1)) if tells_time else None
        return cls(np.full(shape, np.nan), np.full(shape, BAD_NO_DATA), time_us)


def settled(
    slices: Slices,
    value: Floats,
    status: Statuses,
    time_us: Instants | None = None,
    *,
    marks_partial: bool = True,
) -> Result:
    """What is the same for nearly all: no data out of reach, partial intervals, no bad values."""
    if marks_partial:
        status = flagged(status, PARTIAL, slices.partial)
    status = np.where(slices.in_reach, status, BAD_NO_DATA)
    unfit = is_bad(status)
    if time_us is not None:
        time_us = np.where(slices.in_reach, time_us, slices.from_us)
    return Result(np.where(unfit, np.nan, value), status, time_us)


def worked_out_where(there: Flags, status: Statuses) -> Statuses:
    """The status where there was something to work with."""
    return np.where(there, status, BAD_NO_DATA)
