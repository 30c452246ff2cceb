"""Buckets: what the samples of one tag within one minute or hour add up to.

A bucket says nothing of what lies beyond its own first and last sample, so a late sample changes
its own bucket and no other, and buckets that do not overlap can be added. What lies between the
last sample of one and the first of the next is drawn by whoever asks (see ``block``).

Good and held mean what OPC 10000-13 means with its default rules: uncertain counts as bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import UNCERTAIN_BIT
from lianji.history.rows import Rows, Scalar

MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000
NO_TIME = np.iinfo(np.int64).min

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]
Counts = NDArray[np.int32]


@dataclass(slots=True)
class Buckets:
    """Columns of equal length, sorted by tag, time and first sample. NaN where there is none.

    ``area_*`` are value x microseconds between the first and the last sample, over the time that
    there was a good value (``held_us``); ``sloped_us`` is the part of it that led to a good one.
    """

    tag: NDArray[np.int32]
    time_us: Instants
    first: Floats
    first_us: Instants
    first_quality: NDArray[np.uint16]
    last: Floats
    last_us: Instants
    last_quality: NDArray[np.uint16]
    min: Floats
    min_us: Instants
    max: Floats
    max_us: Instants
    count: Counts
    good: Counts
    """Good by quality, whatever they hold."""
    numbers: Counts
    """Good, and a number."""
    sum: Floats
    area_step: Floats
    area_linear: Floats
    held_us: Instants
    sloped_us: Instants
    missing_us: Instants
    """When the first sample without a good number was; ``NO_TIME`` if there is none."""

    def __len__(self) -> int:
        return len(self.tag)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Buckets:
        return Buckets(*(_taken(getattr(self, name), which) for name in COLUMNS))

    @classmethod
    def concat(cls, parts: Sequence[Buckets]) -> Buckets:
        parts = [one for one in parts if len(one)] or list(parts[:1])
        if len(parts) == 1:
            return parts[0]
        return cls(*(_joined([getattr(one, name) for one in parts]) for name in COLUMNS))

    @classmethod
    def none(cls) -> Buckets:
        return buckets_of(Rows.none(), MINUTE_US)


COLUMNS = tuple(field.name for field in fields(Buckets))


def absent(rows: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """A column that nobody asks for: noughts that take no memory."""
    return np.broadcast_to(np.zeros((), kind), rows)


def _is_absent(column: NDArray[Any]) -> bool:
    return column.strides == (0,)


def _taken(column: NDArray[Any], which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Any:
    if not _is_absent(column):
        return column[which]
    if isinstance(which, slice):
        return column[which]
    return absent(int(which.sum()) if which.dtype == bool else len(which), column.dtype)


def _joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if all(map(_is_absent, columns)):
        return absent(sum(map(len, columns)), columns[0].dtype)
    return np.concatenate(columns)


def buckets_of(rows: Rows, width_us: int) -> Buckets:
    """The buckets of rows that are sorted by tag and time, each key once."""
    key = rows.time_us // width_us
    new = np.ones(len(rows), dtype=bool)
    if len(rows):
        new[1:] = (key[1:] != key[:-1]) | (rows.tag[1:] != rows.tag[:-1])
    starts = np.flatnonzero(new)
    if not len(starts):
        starts = np.empty(0, np.intp)
    return _Work(rows, key, starts, width_us).buckets()


class _Work:
    """One pass for each column, over all rows at once."""

    def __init__(self, rows: Rows, key: Instants, starts: NDArray[np.intp], width_us: int) -> None:
        self.rows = rows
        self.key = key
        self.starts = starts
        self.ends = np.append(starts[1:], len(rows)) - 1 if len(starts) else starts
        self.width_us = width_us
        self.by_quality = rows.quality < UNCERTAIN_BIT
        self.numbers = self.by_quality & np.isfinite(rows.value)
        self.flawless = bool(self.numbers.all())

    def buckets(self) -> Buckets:
        rows, starts, ends = self.rows, self.starts, self.ends
        low, low_us = self._extreme(np.minimum, np.inf)
        high, high_us = self._extreme(np.maximum, -np.inf)
        step, linear, held, sloped = self._areas()
        return Buckets(
            tag=rows.tag[starts],
            time_us=self.key[starts] * self.width_us,
            first=rows.value[starts],
            first_us=rows.time_us[starts],
            first_quality=rows.quality[starts],
            last=rows.value[ends],
            last_us=rows.time_us[ends],
            last_quality=rows.quality[ends],
            min=low,
            min_us=low_us,
            max=high,
            max_us=high_us,
            count=(ends - starts + 1).astype(np.int32),
            good=self._counted(self.by_quality),
            numbers=self._counted(self.numbers),
            sum=self._reduced(np.add, self._filled(0.0)),
            area_step=step,
            area_linear=linear,
            held_us=held,
            sloped_us=sloped,
            missing_us=self._first_of(~self.numbers),
        )

    def _filled(self, empty: float) -> Floats:
        return self.rows.value if self.flawless else np.where(self.numbers, self.rows.value, empty)

    def _reduced(self, how: np.ufunc, column: NDArray[np.generic]) -> NDArray[np.float64]:
        if not len(self.starts):
            return np.empty(0, np.float64)
        return np.asarray(how.reduceat(column, self.starts))

    def _counted(self, marks: NDArray[np.bool_]) -> Counts:
        if self.flawless:
            return (self.ends - self.starts + 1).astype(np.int32)
        if not len(self.starts):
            return np.empty(0, np.int32)
        return np.add.reduceat(marks, self.starts, dtype=np.int32)

    def _extreme(self, how: np.ufunc, empty: float) -> tuple[Floats, Instants]:
        """The best good value of each bucket, and when it was first."""
        filled = self._filled(empty)
        best = self._reduced(how, filled)
        spread = np.repeat(best, self.ends - self.starts + 1)
        when = self._first_of(filled == spread)
        there = best != empty
        return np.where(there, best, np.nan), np.where(there, when, NO_TIME)

    def _first_of(self, marks: NDArray[np.bool_]) -> Instants:
        """The time of the first marked row of each bucket; ``NO_TIME`` where there is none."""
        places = np.flatnonzero(marks)
        at = np.searchsorted(places, self.starts)
        found = places[np.minimum(at, max(len(places) - 1, 0))] if len(places) else self.starts
        inside = (at < len(places)) & (found <= self.ends)
        return np.where(inside, self.rows.time_us[found], NO_TIME)

    def _areas(self) -> tuple[Floats, Floats, Instants, Instants]:
        """Of the segments from each row to the next one of its bucket."""
        rows = self.rows
        span = np.zeros(len(rows), np.int64)
        np.subtract(rows.time_us[1:], rows.time_us[:-1], out=span[:-1])
        if len(span):
            span[self.ends] = 0
        start = self._filled(0.0)
        rise = np.zeros(len(rows))
        np.subtract(start[1:], start[:-1], out=rise[:-1])
        if self.flawless:
            held = sloped = self._times(span)
        else:
            drawn = np.zeros(len(rows), dtype=bool)
            drawn[:-1] = self.numbers[:-1] & self.numbers[1:]
            rise[~drawn] = 0.0
            held, sloped = self._times(span * self.numbers), self._times(span * drawn)
        step = self._reduced(np.add, start * span)
        linear = step + self._reduced(np.add, rise * span) / 2
        return step, linear, held, sloped

    def _times(self, spans: Instants) -> Instants:
        if not len(self.starts):
            return np.empty(0, np.int64)
        return np.asarray(np.add.reduceat(spans, self.starts))


def added(buckets: Buckets, again: NDArray[np.bool_]) -> Buckets:
    """Buckets of which some (``again``) go on where the one before them ends: added to it.

    They are of the same tag and time and lie apart. A stretch between the two is drawn as the
    samples at its ends say.
    """
    whole = ~again
    starts = np.flatnonzero(whole)
    ends = np.append(starts[1:], len(buckets)) - 1
    step, linear, held, sloped = _joints(buckets, again)
    b = buckets

    def total(column: NDArray[Scalar]) -> NDArray[Scalar]:
        return np.asarray(np.add.reduceat(column, starts))

    low, low_us = _best(b.min, b.min_us, starts, np.fmin)
    high, high_us = _best(b.max, b.max_us, starts, np.fmax)
    missing = np.where(b.missing_us == NO_TIME, np.iinfo(np.int64).max, b.missing_us)
    missing = np.minimum.reduceat(missing, starts)
    return Buckets(
        b.tag[starts], b.time_us[starts],
        b.first[starts], b.first_us[starts], b.first_quality[starts],
        b.last[ends], b.last_us[ends], b.last_quality[ends],
        low, low_us, high, high_us,
        total(b.count).astype(np.int32), total(b.good).astype(np.int32),
        total(b.numbers).astype(np.int32), total(b.sum),
        total(b.area_step + step), total(b.area_linear + linear),
        total(b.held_us + held), total(b.sloped_us + sloped),
        np.where(missing == np.iinfo(np.int64).max, NO_TIME, missing),
    )  # fmt: skip


def _joints(b: Buckets, again: NDArray[np.bool_]) -> tuple[Floats, Floats, Instants, Instants]:
    """What lies between each bucket and the one before it that it goes on from."""
    span = np.zeros(len(b), np.int64)
    span[1:] = b.first_us[1:] - b.last_us[:-1]
    span[~again] = 0
    begin, end = np.zeros(len(b)), np.zeros(len(b))
    begins, ends = np.zeros(len(b), bool), np.zeros(len(b), bool)
    begins[1:] = (b.last_quality[:-1] < UNCERTAIN_BIT) & np.isfinite(b.last[:-1])
    ends[1:] = (b.first_quality[1:] < UNCERTAIN_BIT) & np.isfinite(b.first[1:])
    begin[1:], end[1:] = b.last[:-1], b.first[1:]
    begin = np.where(begins, begin, 0.0)
    step = begin * span
    linear = np.where(begins & ends, (begin + end) / 2 * span, step)
    return step, linear, span * begins, span * (begins & ends)


def _best(
    value: Floats, when: Instants, starts: NDArray[np.intp], how: np.ufunc
) -> tuple[Floats, Instants]:
    best = how.reduceat(value, starts)
    lengths = np.diff(np.append(starts, len(value)))
    hit = value == np.repeat(best, lengths)
    times = np.minimum.reduceat(np.where(hit, when, np.iinfo(np.int64).max), starts)
    return best, np.where(np.isnan(best), NO_TIME, times)
