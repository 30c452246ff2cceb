"""Segments: the signal from each sample to the next, and time-weighted sums of it.

Segments that lie within one interval are summed in one pass over the samples. Those that cross
an edge are cut there: each interval has a head (what reaches into it from before) and a tail
(what leaves it, or goes up to its end). Durations are whole microseconds, so exact.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from lianji.history.aggregates.rules import Rules
from lianji.history.aggregates.slices import Flags, Floats, Instants, Places, Slices, taken
from lianji.history.aggregates.usable import UsableSlices
from lianji.history.aggregates.worth import Worth

RESOLUTION_US = 1000
"""The time that a tag's last sample is given, and how long before its end an interval's last
instant is: the resolution that the standard leaves to the server (5.4.2.4), as its annex has it."""


class Piece:
    """One part of one segment an interval, or nothing: the segment's row, and from when to when."""

    def __init__(self, slices: Slices, row: Places, from_us: Instants, to_us: Instants) -> None:
        self.row = row
        self.us = np.maximum(to_us - from_us, 0)
        self.middle_us = from_us - slices.times_at(row) + self.us / 2

    def area(self, middle: Floats) -> Floats:
        """Value times microseconds, given the value in the middle, ``middle_us`` after the row."""
        return np.where(self.us > 0, middle * self.us, 0)


class SimpleSegments:
    """The signal with simple bounds: bad from a bad sample on, ended by the tag's last sample.

    Towards a sample that cannot be used a slope becomes a step, and what leads there is uncertain.
    """

    def __init__(self, slices: Slices, worth: Worth, stepped: Flags, rules: Rules) -> None:
        self.slices = slices
        self.worth = worth
        self.stepped = stepped[:, None]
        self.rules = rules

    @cached_property
    def head(self) -> Piece:
        slices = self.slices
        row = slices.first - 1
        reaches_in = (row >= slices.begin) & (slices.first < slices.stop)
        to_us = np.minimum(slices.times_at(slices.first), slices.to_us)
        return Piece(slices, row, slices.from_us, np.where(reaches_in, to_us, slices.from_us))

    @cached_property
    def tail(self) -> Piece:
        """A last sample that can be used lasts one unit of time; a bad one, to the end."""
        slices = self.slices
        row = slices.past - 1
        from_us = slices.times_at(row)
        last = (slices.past == slices.stop) & self.worth.usable_at(row)
        to_us = np.where(last, np.minimum(from_us + RESOLUTION_US, slices.to_us), slices.to_us)
        return Piece(slices, row, from_us, np.where(slices.has_rows, to_us, from_us))

    @cached_property
    def total_us(self) -> Floats:
        """How long each interval is: from its start to its end or the end of the data."""
        slices = self.slices
        to_tail_us = slices.times_at(slices.past - 1) - slices.from_us + self.tail.us
        total: Floats = np.where(slices.has_rows, to_tail_us, self.head.us).astype(np.float64)
        return total

    @cached_property
    def held_us(self) -> Floats:
        """How long there was a value."""
        worth = self.worth
        return self.marked_us(worth.usable, worth.usable_at(self.head.row))

    @cached_property
    def good_us(self) -> Floats:
        """How long the value was good enough by the rules (5.4.3.2): see ``leads_well_at``."""
        head, tail = self.head, self.tail
        head_us = np.where(self.leads_well_at(head.row), head.us, 0)
        tail_us = np.where(self.leads_well_at(tail.row), tail.us, 0)
        return self._inner_us(self._leads_well) + head_us + tail_us

    @cached_property
    def area(self) -> Floats:
        """The integral of the value over the time that there was one, in value times seconds."""
        area = self.slices.reduced(np.add, self._inner_areas())
        for piece in (self.head, self.tail):
            area = area + piece.area(self._values_behind(piece.row, piece.middle_us))
        return np.divide(area, 1e6)

    def leads_well_at(self, rows: Places) -> Flags:
        """Does the segment count as good? A slope that ends in a sample not good is uncertain."""
        if not self.rules.treat_uncertain_as_bad:
            return self.worth.usable_at(rows)
        return self.slopes_well_at(rows)

    def slopes_well_at(self, rows: Places) -> Flags:
        """Good samples, strictly, at both ends of a slope or at the begin of a step."""
        ends_well: Flags = self.worth.good_at(rows + 1) & (rows + 1 < self.slices.stop)
        return self.worth.good_at(rows) & (ends_well | self.stepped)

    def marked_us(self, marks: Flags, in_head: Flags) -> Floats:
        """How long marked samples lasted, each until the next; ``in_head`` marks the heads."""
        head_us = np.where(in_head, self.head.us, 0)
        tail_us = np.where(taken(marks, self.tail.row), self.tail.us, 0)
        return self._inner_us(marks) + head_us + tail_us

    def _values_behind(self, rows: Places, us: Floats) -> Floats:
        """The value some time behind each row, 0 where there is none."""
        usable = self.worth.usable_at(rows)
        drawn = usable & ~self.stepped & self.worth.usable_at(rows + 1)
        drawn &= rows + 1 < self.slices.stop
        value = np.where(usable, self.slices.values_at(rows), 0)
        return value + np.where(drawn, self.slices.risen(rows, us), 0)

    def _inner_us(self, marks: Flags) -> Floats:
        slices = self.slices
        if self.worth.flawless and marks.all():
            spans = slices.times_at(slices.past - 1) - slices.times_at(slices.first)
            return np.where(slices.has_rows, spans, 0).astype(np.float64)
        return slices.reduced(np.add, slices.inner_us * marks)

    def _inner_areas(self) -> Floats:
        """Twice-read columns, written once: the long arrays are few."""
        slices, usable = self.slices, self.worth.usable
        start = slices.value if self.worth.flawless else np.where(usable, slices.value, 0)
        if self.stepped.all():
            return start * slices.inner_us
        ends = self._ends(start)
        ends += start
        ends *= slices.inner_us
        ends *= 0.5
        return ends

    def _ends(self, start: Floats) -> Floats:
        """Where the line from each row ends: at the next value, or where it began."""
        ends = np.empty_like(start)
        ends[:-1], ends[-1:] = start[1:], start[-1:]
        if self.worth.flawless and not self.stepped.any():
            return ends
        drawn = self._followed(self.worth.usable) & self.worth.usable
        if self.stepped.any():
            drawn &= ~self._stepped_rows()
        return np.where(drawn, ends, start)

    @cached_property
    def _leads_well(self) -> Flags:
        if self.worth.flawless or not self.rules.treat_uncertain_as_bad or self.stepped.all():
            return self.worth.usable
        ends_well = self._followed(self.worth.good)
        if self.stepped.any():
            ends_well |= self._stepped_rows()
        return self.worth.good & ends_well

    def _followed(self, marks: Flags) -> Flags:
        """Is the next row marked? (A tag's last row has no inner time: any answer will do.)"""
        followed = np.empty_like(marks)
        followed[:-1], followed[-1:] = marks[1:], False
        return followed

    def _stepped_rows(self) -> Flags:
        return np.repeat(self.stepped.ravel(), np.diff(self.slices.offsets))


class InterpolatedSegments:
    """The signal with interpolated bounds: always slopes, from usable sample to usable sample.

    Nothing before the first one; behind the last one it is extrapolated.
    """

    def __init__(self, usable: UsableSlices) -> None:
        self.usable = usable
        slices = self.slices = usable.slices
        row = slices.first - 1
        next_us = np.where(slices.first < slices.stop, slices.times_at(slices.first), slices.to_us)
        to_us = np.where(row >= slices.begin, np.minimum(next_us, slices.to_us), slices.from_us)
        self.head = Piece(slices, row, slices.from_us, to_us)
        row = slices.past - 1
        from_us = np.where(slices.has_rows, slices.times_at(row), slices.to_us)
        self.tail = Piece(slices, row, from_us, np.broadcast_to(slices.to_us, row.shape))

    @cached_property
    def covered_us(self) -> Floats:
        slices = self.slices
        spans = slices.times_at(slices.past - 1) - slices.times_at(slices.first)
        inner: Floats = np.where(slices.has_rows, spans, 0).astype(np.float64)
        inner += self.head.us
        inner += self.tail.us
        return inner

    @cached_property
    def is_clean(self) -> Flags:
        """True where the whole interval lies between good samples with nothing between them."""
        usable, head, tail = self.usable, self.head, self.tail
        clean: Flags = self.covered_us == self.slices.to_us - self.slices.from_us
        clean = clean & ((head.us == 0) | usable.is_clean(head.row))
        clean = clean & ((tail.us == 0) | usable.is_clean(tail.row))
        if not usable.flawless:
            doubtful_us = self.slices.reduced(np.add, self.slices.inner_us * ~usable.clean)
            clean = clean & (doubtful_us == 0)
        return clean

    @cached_property
    def area(self) -> Floats:
        """The integral of the value over the time covered, in value times seconds."""
        slices = self.slices
        doubled = np.zeros(len(slices.value))
        np.add(slices.value[1:], slices.value[:-1], out=doubled[:-1])
        doubled *= slices.inner_us
        area = slices.reduced(np.add, doubled) / 2
        for piece in (self.head, self.tail):
            area = area + piece.area(self.usable.values_behind(piece.row, piece.middle_us))
        return np.divide(area, 1e6)
