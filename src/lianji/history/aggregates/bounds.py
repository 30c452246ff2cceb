"""Bounds: what a tag's value was at the edges of the intervals (OPC 10000-13, 3.1.8 and 3.1.9).

Simple bounds look at the nearest samples and give up where those are bad; interpolated bounds
look past bad samples at the nearest ones that may be used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianji.history.aggregates.slices import Flags, Floats, Slices
from lianji.history.aggregates.status import BAD_NO_DATA, INTERPOLATED, Statuses, good_unless
from lianji.history.aggregates.usable import UsableSlices
from lianji.history.aggregates.worth import Worth


@dataclass(slots=True)
class Bounds:
    """By tag and edge: the value (NaN: none), its status, and whether there is one."""

    value: Floats
    status: Statuses
    known: Flags


def simple_bounds(slices: Slices, worth: Worth, stepped: Flags) -> Bounds:
    """Nothing is known before the first sample, behind the last one, and after a bad one.

    No slope can be drawn to a bad sample: the value before it is held, and uncertain.
    """
    exact, rows = slices.sampled, slices.upto
    followed = rows + 1 < slices.stop
    known = (rows >= slices.begin) & worth.usable_at(rows) & (exact | followed)
    sloped = known & ~exact & ~stepped[:, None]
    drawn = sloped & worth.usable_at(rows + 1)
    risen = slices.risen(rows, slices.edges_us - slices.times_at(rows))
    value = slices.values_at(rows) + np.where(drawn, risen, 0)
    doubtful = ~worth.good_at(rows) | (sloped & ~worth.good_at(rows + 1))
    return _bounds(slices, value, doubtful, known)


def interpolated_bounds(usable: UsableSlices, stepped: Flags) -> Bounds:
    """A slope or a step between usable samples; behind the last one extrapolated, and uncertain."""
    slices, rows = usable.slices, usable.slices.upto
    known = rows >= slices.begin
    held = stepped[:, None]
    since_us = np.where(slices.sampled | held, 0, slices.edges_us - slices.times_at(rows))
    value = usable.values_behind(rows, since_us)
    doubtful = np.where(held, usable.is_stale(rows), ~usable.is_clean(rows))
    return _bounds(slices, value, doubtful, known)


def _bounds(slices: Slices, value: Floats, doubtful: Flags, known: Flags) -> Bounds:
    estimated = good_unless(doubtful) | INTERPOLATED
    status = np.where(slices.sampled, slices.statuses_at(slices.upto), estimated)
    return Bounds(np.where(known, value, np.nan), np.where(known, status, BAD_NO_DATA), known)
