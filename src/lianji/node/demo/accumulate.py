"""The two ways in which a plant remembers: counters that add up, and heat that fades.

Both are worked out at the borders of the five-minute slots; between two borders everything has
a closed form, so that any moment can be asked for alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.node.demo.noise import Floats
from lianji.node.demo.shift_calendar import SLOT_S, SLOTS_A_DAY, Moments


def running_total(base: float, per_slot: Floats) -> Floats:
    """Totals at the borders, (n + 1,): the first is ``base``.

    Strictly from left to right, so that a total does not depend on where a span was cut.
    """
    return np.cumsum(np.concatenate(([base], per_slot)))


@dataclass(frozen=True, slots=True)
class Counter:
    """A quantity that grows evenly within each slot: ``rate`` a second, totals at the borders."""

    rate: Floats
    borders: Floats

    @classmethod
    def of(cls, rate: Floats, base: float) -> Counter:
        return cls(rate, running_total(base, rate * SLOT_S))

    def at(self, moments: Moments) -> Floats:
        return np.asarray(self.borders[moments.index] + self.rate[moments.index] * moments.into_s)


@dataclass(frozen=True, slots=True)
class Thermal:
    """A temperature that goes towards a target of each slot, slower when it cools.

    ``target`` has the span's day of lead, (SLOTS_A_DAY + n,); time constants in minutes.
    """

    target: Floats
    heating_min: float
    cooling_min: float


def settle(thermals: Sequence[Thermal]) -> list[Floats]:
    """Temperatures at the borders of a span's own slots, (n + 1,) each, all in one pass.

    First-order lag, exact for a constant target: T' = (target - T) / tau.
    """
    targets = np.stack([thermal.target for thermal in thermals], axis=1)
    minutes = np.array([[t.heating_min, t.cooling_min] for t in thermals])
    rising, falling = -np.expm1(-SLOT_S / 60.0 / minutes.T)
    borders = np.empty((len(targets) + 1, len(thermals)))
    borders[0] = now = targets[0]
    for row, target in enumerate(targets, start=1):
        gap = target - now
        now = now + gap * np.where(gap > 0, rising, falling)
        borders[row] = now
    return [np.ascontiguousarray(column) for column in borders[SLOTS_A_DAY:].T]


def between_borders(borders: Floats, moments: Moments) -> Floats:
    """Straight lines between the borders."""
    left = borders[moments.index]
    step = borders[moments.index + 1] - left
    return np.asarray(left + step * (moments.into_s / SLOT_S))


def area_below(borders: Floats, moments: Moments) -> Floats:
    """The integral of those lines since the start of each moment's slot, in value-seconds."""
    left = borders[moments.index]
    step = borders[moments.index + 1] - left
    return np.asarray(moments.into_s * (left + step * moments.into_s / (2 * SLOT_S)))


def shifted(array: NDArray[np.bool_], slots: int) -> NDArray[np.bool_]:
    """What was true ``slots`` ago; before the array began nothing was."""
    return np.concatenate((np.zeros(slots, dtype=np.bool_), array[:-slots]))
