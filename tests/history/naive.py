"""The historian as anybody would write it who had no disk to think of: a dictionary, and loops.

It is slow and plain on purpose, so that it can be believed by reading it. What it shares with the
historian is what has tests of its own: expressions, and the aggregates of given rows.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lianji.dictionary.expression import Expression
from lianji.dictionary.quality import Quality, is_bad, is_good
from lianji.history.aggregates import Grid, Result, process
from lianji.history.questions import signals
from lianji.history.rows import Rows


class Content(NamedTuple):
    """What a sample says, its time aside."""

    value: float | None
    text: str | None
    quality: int

    def kept(self) -> Content:
        """As it is kept: no infinity travels, and what carries nothing is bad."""
        number = self.value if self.value is not None and math.isfinite(self.value) else None
        if number is not None or self.text is not None or is_bad(self.quality):
            return Content(number, self.text, self.quality)
        why = Quality.BAD_NO_DATA if self.value is None else Quality.BAD_OUT_OF_RANGE
        return Content(None, None, int(why))


class Sample(NamedTuple):
    time_us: int
    value: float | None
    text: str | None
    quality: int

    @property
    def is_usable(self) -> bool:
        return self.quality < 0x4000 and self.value is not None

    @property
    def has_number(self) -> bool:
        return not is_bad(self.quality) and self.value is not None


Replaced = tuple[str, int, float | None, str | None, int]


@dataclass
class Naive:
    """All samples by tag and time, and what was replaced."""

    is_linear: Callable[[str], bool]
    expressions: Mapping[str, Expression]
    samples: dict[str, dict[int, Content]] = field(default_factory=dict)
    replaced: list[Replaced] = field(default_factory=list)
    _sorted: dict[str, list[Sample]] = field(default_factory=dict)

    def take(self, path: str, time_us: int, content: Content) -> None:
        """The later arrival wins; what said something else is remembered."""
        content = content.kept()
        of_tag = self.samples.setdefault(path, {})
        old = of_tag.get(time_us)
        if old is not None and old != content:
            self.replaced.append((path, time_us, *old))
        of_tag[time_us] = content
        self._sorted.clear()

    @property
    def paths(self) -> list[str]:
        return sorted(self.samples)

    def all(self, path: str) -> list[Sample]:
        """Every sample of a tag by time; kept until something new comes."""
        if path not in self._sorted:
            if path in self.expressions:
                some = self._worked_out(self.expressions[path])
            else:
                kept = sorted(self.samples.get(path, {}).items())
                some = [Sample(time_us, *one) for time_us, one in kept]
            self._sorted[path] = some
        return self._sorted[path]

    # -- samples -----------------------------------------------------------------------------

    def read(self, path: str, start_us: int, end_us: int, bounds: bool = False) -> list[Sample]:
        every = self.all(path)
        times = [one.time_us for one in every]
        low, high = bisect_left(times, start_us), bisect_left(times, end_us)
        if bounds:
            starts_just_there = low < len(times) and times[low] == start_us
            low = low if starts_just_there else max(low - 1, 0)
            high = min(high + 1, len(every))
        return every[low:high]

    def last(self, path: str) -> Sample | None:
        every = self.all(path)
        return every[-1] if every else None

    def at(self, path: str, time_us: int) -> Sample | None:
        """The value held or drawn at an instant; None before the first sample (of all inputs,
        unless one spoke just then)."""
        if path in self.expressions:
            expression = self.expressions[path]
            spoke = any(time_us in self.samples.get(tag, ()) for tag in expression.tags)
            known = all(self.at(tag, time_us) for tag in expression.tags)
            return self._evaluated(expression, time_us) if spoke or known else None
        return _held_or_drawn(self.all(path), time_us, self.is_linear(path))

    def _worked_out(self, expression: Expression) -> list[Sample]:
        times = sorted(
            {time_us for tag in expression.tags for time_us in self.samples.get(tag, ())}
        )
        return [self._evaluated(expression, time_us) for time_us in times]

    def _evaluated(self, expression: Expression, time_us: int) -> Sample:
        nothing = Sample(time_us, None, None, int(Quality.BAD_WAITING_FOR_INITIAL_DATA))
        inputs = [self.at(tag, time_us) or nothing for tag in expression.tags]
        numbers = [np.array([np.nan if one.value is None else one.value]) for one in inputs]
        qualities = [np.array([one.quality], np.uint16) for one in inputs]
        value, quality = expression.evaluate(numbers, qualities)
        return Sample(time_us, _number(value[0]), None, int(quality[0]))

    # -- at a glance and in sum --------------------------------------------------------------

    def plot(self, path: str, start_us: int, end_us: int, pixels: int) -> list[Sample]:
        """First, last, lowest, highest and first without a value of each pixel."""
        drawn = []
        width_us = end_us - start_us
        some = self.read(path, start_us, end_us)
        for _, group in groupby(some, lambda one: (one.time_us - start_us) * pixels // width_us):
            of_pixel = list(group)
            numbers = [one for one in of_pixel if one.value is not None]
            missing = [one for one in of_pixel if one.value is None]
            kept = {of_pixel[0], of_pixel[-1], *missing[:1]}
            if numbers:
                kept.add(min(numbers, key=lambda one: one.value or 0.0))
                kept.add(max(numbers, key=lambda one: one.value or 0.0))
            drawn += sorted(kept)
        return drawn

    def gaps(
        self, path: str, start_us: int, end_us: int, longer_us: int
    ) -> list[tuple[int, int, str]]:
        found = []
        since_us, was_bad = start_us, False
        for one in self.read(path, start_us, end_us):
            if not is_good(one.quality):
                was_bad = True
                continue
            if one.time_us - since_us > longer_us:
                found.append((since_us, one.time_us, _why(was_bad)))
            since_us, was_bad = one.time_us, False
        if end_us - since_us > longer_us:
            found.append((since_us, end_us, _why(was_bad)))
        return found

    def aggregate(self, path: str, grid: Grid, names: Sequence[str]) -> dict[str, Result]:
        """``process`` over the samples that it asks for, found by looking at every one."""
        every = self.all(path)
        inside = [one for one in every if grid.start_us <= one.time_us < grid.end_us]
        early = [one for one in every if one.time_us <= grid.start_us]
        before = [one for one in early if one.time_us < grid.start_us]
        late = [one for one in every if one.time_us >= grid.end_us]
        reach_us = signals.FIT_WITHIN_US if path in self.expressions else math.inf
        early_usable = [o for o in early if o.is_usable and grid.start_us - o.time_us <= reach_us]
        late_usable = [o for o in late if o.is_usable and o.time_us < grid.end_us + reach_us]
        before_usable = [one for one in early_usable if one.time_us < grid.start_us]
        near = {*early[-1:], *early_usable[-1:], *before[-1:], *before_usable[-1:]}
        near |= {*inside, *late[:1], *late_usable[:1]}
        stepped = np.array([not self.is_linear(path)])
        return process(_rows(sorted(near)), stepped, grid, names)


def _held_or_drawn(every: list[Sample], time_us: int, is_linear: bool) -> Sample | None:
    place = bisect_right(every, time_us, key=lambda one: one.time_us)
    if place == 0:
        return None
    before = every[place - 1]
    held = before._replace(time_us=time_us)
    if not is_linear or before.time_us == time_us or is_bad(before.quality):
        return held
    after = every[place] if place < len(every) else None
    if after is None or not after.has_number:
        worse = max(before.quality, int(Quality.UNCERTAIN_LAST_USABLE_VALUE))
        return held._replace(quality=worse)
    held = held._replace(quality=max(before.quality, after.quality))
    if before.value is None or after.value is None:
        return held
    share = (time_us - before.time_us) / (after.time_us - before.time_us)
    return held._replace(value=before.value + share * (after.value - before.value))


def _rows(samples: Sequence[Sample]) -> Rows:
    return Rows(
        np.zeros(len(samples), np.int32),
        np.array([one.time_us for one in samples], np.int64),
        np.array([np.nan if one.value is None else one.value for one in samples], np.float64),
        np.array([one.quality for one in samples], np.uint16),
        pa.array([one.text for one in samples], pa.string()),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _why(was_bad: bool) -> str:
    return "bad quality" if was_bad else "no samples"
