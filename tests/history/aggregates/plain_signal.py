"""A tag's signal read from its samples, one bound and one region at a time (3.1.8, 3.1.9, 5.4.3.2).

The ground that the plain model of the aggregates stands on. It shares nothing with the code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from lianji.history.aggregates import Rules

UNIT_US = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    time_us: int
    value: float
    quality: int

    @property
    def severity(self) -> int:
        """0 good, 1 uncertain, 2 bad; what is no number is bad."""
        return 2 if math.isnan(self.value) else min(self.quality >> 14, 2)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at an instant: a sample, or a bound. Severity as a sample's."""

    time_us: int
    value: float
    severity: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    samples: list[Sample]
    stepped: bool
    rules: Rules

    def usable(self, thing: Sample | Point) -> bool:
        return thing.severity == 0 or (
            thing.severity == 1 and not self.rules.treat_uncertain_as_bad
        )

    def inside(self, start: int, end: int) -> list[Sample]:
        return [s for s in self.samples if start <= s.time_us < end]

    def in_reach(self, start: int, end: int) -> bool:
        some = self.samples
        return bool(some) and some[0].time_us < end and some[-1].time_us >= start

    def partial(self, start: int, end: int, cut: bool) -> bool:
        return cut or self.samples[0].time_us > start or self.samples[-1].time_us < end


def simple_bound(tag: Tag, t: int) -> Point | None:
    """3.1.9: from the nearest samples, whatever they are."""
    for s in tag.samples:
        if s.time_us == t:
            return Point(t, s.value, s.severity) if tag.usable(s) else None
    before = [s for s in tag.samples if s.time_us < t]
    after = [s for s in tag.samples if s.time_us > t]
    if not before or not after or not tag.usable(before[-1]):
        return None
    b, a = before[-1], after[0]
    if tag.stepped:
        return Point(t, b.value, b.severity, True)
    if not tag.usable(a):
        return Point(t, b.value, 1, True)
    return Point(t, on_line(b, a, t), max(b.severity, a.severity), True)


def interpolated_bound(tag: Tag, t: int, stepped: bool) -> Point | None:
    """3.1.8: from the nearest usable samples."""
    for s in tag.samples:
        if s.time_us == t and tag.usable(s):
            return Point(t, s.value, s.severity)
    before = [s for s in tag.samples if s.time_us < t and tag.usable(s)]
    after = [s for s in tag.samples if s.time_us > t and tag.usable(s)]
    if not before:
        return None
    b = before[-1]
    if stepped:
        doubtful = b.severity or any(b.time_us < s.time_us <= t for s in tag.samples)
        ended = tag.samples[-1].time_us < t
        return Point(t, b.value, int(bool(doubtful or ended)), True)
    if not after:
        if tag.rules.use_sloped_extrapolation and len(before) > 1:
            return Point(t, on_line(before[-2], b, t), 1, True)
        return Point(t, b.value, 1, True)
    a = after[0]
    skipped = any(b.time_us < s.time_us < a.time_us for s in tag.samples)
    return Point(t, on_line(b, a, t), int(bool(skipped or b.severity or a.severity)), True)


def on_line(b: Sample, a: Sample, t: int) -> float:
    return b.value + (a.value - b.value) * (t - b.time_us) / (a.time_us - b.time_us)


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of one status: mean value (None: none), severity with slopes, and with steps."""

    us: int
    mean: float | None
    severity: int
    held: float | None
    held_severity: int


def regions(tag: Tag, start: int, end: int) -> list[Region]:
    """5.4.3.2: from point to point, between the simple bounds."""
    first = simple_bound(tag, start) or Point(start, math.nan, 2)
    inner = [Point(s.time_us, s.value, s.severity) for s in tag.inside(start + 1, end)]
    points = [first, *inner, simple_bound(tag, end) or Point(end, math.nan, 2)]
    found = []
    for p, q in pairwise(points):
        last = p.time_us == tag.samples[-1].time_us and tag.usable(p)
        us = min(q.time_us - p.time_us, UNIT_US) if last else q.time_us - p.time_us
        found.append(region(tag, p, q, us))
    return found


def region(tag: Tag, p: Point, q: Point, us: int) -> Region:
    """A bound that could be estimated has a value, were it uncertain; a sample, if usable."""
    if not (p.estimated or tag.usable(p)):
        return Region(us, None, 2, None, p.severity)
    if tag.stepped:
        return Region(us, p.value, p.severity, p.value, p.severity)
    if not tag.usable(q):
        return Region(us, p.value, 1, p.value, p.severity)
    return Region(us, (p.value + q.value) / 2, max(p.severity, q.severity), p.value, p.severity)


def interpolated_area(tag: Tag, start: int, end: int) -> tuple[float, int, bool]:
    """5.4.3.6: always slopes, from usable sample to usable sample, bounds at both ends."""
    edges = [interpolated_bound(tag, t, stepped=False) for t in (start, end)]
    inner = [
        Point(s.time_us, s.value, s.severity) for s in tag.inside(start + 1, end) if tag.usable(s)
    ]
    points = [p for p in (edges[0], *inner, edges[1]) if p is not None]
    area, us, clean = 0.0, 0, edges[0] is not None
    for p, q in pairwise(points):
        skipped = any(p.time_us < s.time_us < q.time_us for s in tag.samples)
        clean = clean and not (skipped or p.severity or q.severity)
        area += (p.value + q.value) / 2 * (q.time_us - p.time_us)
        us += q.time_us - p.time_us
    return area, us, clean
