"""Floods: more alarms of one group within a few seconds than anybody reads become one line.

Nothing is hidden: the line holds its alarms, and its priority is that of the most urgent. A pure
function of when the alarms were raised, so the list, the page and the mails fold alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

FLOOD_MORE_THAN = 10
FLOOD_WITHIN_US = 10_000_000

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Fold(Generic[Line]):
    """One line of a list: an alarm by itself, or a flood of one group."""

    group: str
    lines: tuple[Line, ...]

    @property
    def is_flood(self) -> bool:
        return len(self.lines) > 1


def folded(
    lines: Sequence[Line],
    group_of: Callable[[Line], str],
    raised_us: Callable[[Line], int],
    more_than: int = FLOOD_MORE_THAN,
    within_us: int = FLOOD_WITHIN_US,
) -> list[Fold[Line]]:
    """The lines in their order, each flood as one at the place of its first line."""
    by_group: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        by_group.setdefault(group_of(line), []).append(place)
    flood_of: dict[int, list[int]] = {}
    for places in by_group.values():
        times_us = [raised_us(lines[place]) for place in places]
        for flood in _floods(places, times_us, more_than, within_us):
            flood_of.update(dict.fromkeys(flood, flood))
    folds = []
    for place, line in enumerate(lines):
        members = flood_of.get(place, [place])
        if members[0] == place:
            folds.append(Fold(group_of(line), tuple(lines[member] for member in members)))
    return folds


def _floods(
    places: list[int], times_us: list[int], more_than: int, within_us: int
) -> list[list[int]]:
    """The floods among lines of one group, each as rising places."""
    order = sorted(range(len(places)), key=times_us.__getitem__)
    floods: list[list[int]] = []
    end = -1  # the last place in the order that belongs to a flood
    for first in range(len(order) - more_than):
        last = first + more_than
        if times_us[order[last]] - times_us[order[first]] > within_us:
            continue
        if first > end:
            floods.append([places[n] for n in order[first : last + 1]])
        else:
            floods[-1] += [places[n] for n in order[end + 1 : last + 1]]
        end = last
    return [sorted(flood) for flood in floods]
