"""States: how long a tag was zero or not, and how often it changed (5.4.3.22 to 5.4.3.24)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianji.history.aggregates.averages import percent_values
from lianji.history.aggregates.block import Block
from lianji.history.aggregates.result import Result, settled
from lianji.history.aggregates.slices import Floats
from lianji.history.aggregates.status import CALCULATED, Statuses, by_share


def duration_in_state_zero(block: Block) -> Result:
    return _duration(block, zero=True)


def duration_in_state_non_zero(block: Block) -> Result:
    return _duration(block, zero=False)


def _duration(block: Block, *, zero: bool) -> Result:
    """Milliseconds of good data in the state. A state holds until the next sample even where the
    tag slopes; the first one is that of the simple bound."""
    segments = block.simple_segments
    here = (block.slices.value == 0) == zero
    at_start = (block.simple_bounds.value[:, :-1] == 0) == zero
    good_at_start = segments.slopes_well_at(segments.head.row)
    us = segments.marked_us(block.numbers.good & here, good_at_start & at_start)
    return settled(block.slices, us / 1000, _percent_held(block) | CALCULATED)


def _percent_held(block: Block) -> Statuses:
    """The status by the share of time, each sample's quality holding until the next."""
    segments, numbers = block.simple_segments, block.numbers
    good = segments.marked_us(numbers.usable, segments.leads_well_at(segments.head.row))
    whole = segments.total_us
    return by_share(good, whole - good, whole, block.rules)


def number_of_transitions(block: Block) -> Result:
    """Changes from one usable sample to the next; a tag's very first one counts as a change."""
    usable = block.usable
    changed = np.ones(len(usable.slices.value), np.bool_)
    changed[1:] = usable.slices.value[1:] != usable.slices.value[:-1]
    begins = usable.slices.offsets[:-1]
    changed[begins[begins < len(changed)]] = True
    changes: Floats = usable.slices.counted(changed)
    return settled(block.slices, changes, percent_values(block, block.numbers))


FUNCTIONS: dict[str, Callable[[Block], Result]] = {
    "duration_in_state_zero": duration_in_state_zero,
    "duration_in_state_non_zero": duration_in_state_non_zero,
    "number_of_transitions": number_of_transitions,
}
