"""A block: the samples of some tags, and what several aggregates need of them, worked out once.

Blocks are about as long as the processor's nearer caches hold, which makes the passes over the
columns several times faster than over all samples at once, and keeps memory small.
"""

from __future__ import annotations

from functools import cached_property

from lianji.history.aggregates.bounds import Bounds, interpolated_bounds, simple_bounds
from lianji.history.aggregates.rules import Rules
from lianji.history.aggregates.segments import InterpolatedSegments, SimpleSegments
from lianji.history.aggregates.slices import Flags, Slices
from lianji.history.aggregates.usable import UsableSlices
from lianji.history.aggregates.worth import Worth, worth_as_number, worth_by_quality


class Block:
    """``stepped`` says for each tag whether its value holds until the next (else it slopes)."""

    def __init__(self, slices: Slices, stepped: Flags, rules: Rules) -> None:
        self.slices = slices
        self.stepped = stepped
        self.rules = rules

    @cached_property
    def samples(self) -> Worth:
        """What the samples are worth by their quality alone, whatever they hold."""
        return worth_by_quality(self.slices.quality, self.rules.treat_uncertain_as_bad)

    @cached_property
    def numbers(self) -> Worth:
        """What the samples are worth where numbers are needed."""
        return worth_as_number(self.samples, self.slices.value)

    @cached_property
    def simple_bounds(self) -> Bounds:
        return simple_bounds(self.slices, self.numbers, self.stepped)

    @cached_property
    def simple_segments(self) -> SimpleSegments:
        return SimpleSegments(self.slices, self.numbers, self.stepped, self.rules)

    @cached_property
    def quality_segments(self) -> SimpleSegments:
        """Segments of the samples' quality alone."""
        if self.samples is self.numbers:
            return self.simple_segments
        return SimpleSegments(self.slices, self.samples, self.stepped, self.rules)

    @cached_property
    def usable(self) -> UsableSlices:
        return UsableSlices(self.slices, self.numbers, self.rules.use_sloped_extrapolation)

    @cached_property
    def interpolated_bounds(self) -> Bounds:
        return interpolated_bounds(self.usable, self.stepped)

    @cached_property
    def interpolated_segments(self) -> InterpolatedSegments:
        return InterpolatedSegments(self.usable)
