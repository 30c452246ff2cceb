"""Signals by the kind: matrices of values, steps by tags, that go on where they stopped.

Every kind counts in whole steps of its last decimal, so a value is exactly what its decimals say
and no sum drifts with the size of the pieces in which it is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

SIGNALS_A_MACHINE = 10
Ticks = NDArray[np.int64]
Kind = Callable[[int, int], Ticks]
"""(first step, steps) -> values of the kind's tags as counts of their last decimal."""


class Signals:
    """Columns of several kinds side by side, each with its number of decimals."""

    def __init__(self, tags: int, kinds: Sequence[tuple[NDArray[np.intp], Kind, int]]) -> None:
        self._tags = tags
        self._kinds = kinds
        self._next = 0

    def take(self, steps: int) -> NDArray[np.float64]:
        """The next values, shape (steps, tags)."""
        values = np.empty((steps, self._tags))
        for columns, kind, decimals in self._kinds:
            values[:, columns] = kind(self._next, steps) / 10.0**decimals
        self._next += steps
        return values


def iot_signals(tags: int, step_us: int, seed: int) -> Signals:
    """168 signals in turn: 9 sawtooth, 6 sine, 9 square, 86 random, 58 constant; two decimals."""
    draw = np.random.default_rng([seed, 100])
    kind_of = np.repeat(np.arange(5), [9, 6, 9, 86, 58])
    draw.shuffle(kind_of)
    columns = [np.flatnonzero(kind_of[np.arange(tags) % 168] == kind) for kind in range(5)]
    saw, sine, square, noise, still = (len(one) for one in columns)
    step_s = step_us / 1e6
    kinds: list[Kind] = [
        _sawtooth(draw, saw, step_s),
        _sine(draw, sine, step_s),
        _square(draw, square, step_s),
        _random(draw, noise, np.random.default_rng([seed, 101])),
        _constant(draw, still),
    ]
    return Signals(tags, [(*pair, 2) for pair in zip(columns, kinds, strict=True)])


def plant_signals(tags: int, step_us: int, seed: int) -> Signals:
    """Ten signals a machine: three walks, two counters, two states, a setpoint, two powers."""
    signal = np.arange(tags) % SIGNALS_A_MACHINE
    makers: list[tuple[Callable[[np.random.Generator, int], Kind], int]] = [
        (lambda rng, n: Walk(rng, n, 200, 900, 0.7), 1),
        (lambda rng, n: Walk(rng, n, 1500, 6500, 1.5), 2),
        (lambda rng, n: Walk(rng, n, 5500, 7500, 3.0), 3),
        (lambda rng, n: Counter(rng, n, 6), 1),
        (lambda rng, n: Counter(rng, n, 2), 0),
        (lambda rng, n: Held(rng, n, 5, 1 / 600), 0),
        (lambda rng, n: Held(rng, n, 2, 1 / 120), 0),
        (lambda rng, n: Held(rng, n, 2000, 1 / 5000), 1),
        (lambda rng, n: Noise(rng, n, 400, 12.0), 1),
        (lambda rng, n: Noise(rng, n, 2500, 40.0), 2),
    ]
    kinds = []
    for number, (make, decimals) in enumerate(makers):
        columns = np.flatnonzero(signal == number)
        rng = np.random.default_rng([seed, 200 + number])
        kinds.append((columns, make(rng, len(columns)), decimals))
    return Signals(tags, kinds)


def _phase(
    first: int, steps: int, step_s: float, period_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    return (np.arange(first, first + steps)[:, None] * step_s / period_s) % 1.0


def _sawtooth(draw: np.random.Generator, tags: int, step_s: float) -> Kind:
    low, width = draw.integers(600_000, 3_500_000, tags), draw.integers(100, 20_000, tags)
    period_s = draw.choice([350.0, 420.0, 7000.0], tags)
    return lambda first, steps: low + (_phase(first, steps, step_s, period_s) * width).astype(int)


def _sine(draw: np.random.Generator, tags: int, step_s: float) -> Kind:
    middle, half = draw.integers(490, 510, tags), draw.integers(140, 165, tags)
    period_s = draw.uniform(1.75, 1.81, tags)

    def ticks(first: int, steps: int) -> Ticks:
        angle = 2 * np.pi * _phase(first, steps, step_s, period_s)
        return middle + np.rint(half * np.sin(angle)).astype(np.int64)

    return ticks


def _square(draw: np.random.Generator, tags: int, step_s: float) -> Kind:
    low, width = draw.integers(0, 80_000, tags), draw.integers(100, 1100, tags)
    period_s = draw.choice([182.0, 210.0, 320.0, 1120.0, 4200.0], tags)
    return lambda first, steps: low + width * (_phase(first, steps, step_s, period_s) >= 0.5)


def _random(draw: np.random.Generator, tags: int, rng: np.random.Generator) -> Kind:
    """Widths from 4 to 600 in the middle about 50, as most of the 86 there."""
    low = draw.integers(-3000, 3000, tags)
    width = np.exp(draw.uniform(np.log(400), np.log(60_000), tags))
    return lambda first, steps: low + (rng.random((steps, tags)) * width).astype(np.int64)


def _constant(draw: np.random.Generator, tags: int) -> Kind:
    """Two of three are nought."""
    held = np.where(draw.random(tags) < 2 / 3, 0, draw.integers(0, 100_000, tags))
    return lambda first, steps: np.broadcast_to(held, (steps, tags))


class Walk:
    """A slow random walk between two bounds, from which it turns back."""

    def __init__(
        self, rng: np.random.Generator, tags: int, low: int, high: int, spread: float
    ) -> None:
        self._rng, self._low, self._width, self._spread = rng, low, high - low, spread
        self._at = rng.integers(0, high - low, tags)

    def __call__(self, first: int, steps: int) -> Ticks:
        moves = self._rng.standard_normal((steps, len(self._at)), np.float32) * self._spread
        walked = self._at + np.cumsum(np.rint(moves).astype(np.int64), axis=0)
        self._at = walked[-1]
        folded = walked % (2 * self._width)
        return self._low + np.minimum(folded, 2 * self._width - folded)


class Counter:
    """A counter that rises by less than ``rise`` a step."""

    def __init__(self, rng: np.random.Generator, tags: int, rise: int) -> None:
        self._rng, self._rise = rng, rise
        self._at = rng.integers(0, 1_000_000, tags)

    def __call__(self, first: int, steps: int) -> Ticks:
        more = (self._rng.random((steps, len(self._at)), np.float32) * self._rise).astype(np.int64)
        counted = self._at + np.cumsum(more, axis=0)
        self._at = counted[-1]
        return counted


class Held:
    """A state or setpoint: one of so many values, another one now and then."""

    def __init__(self, rng: np.random.Generator, tags: int, values: int, chance: float) -> None:
        self._rng, self._values, self._chance = rng, values, chance
        self._news = np.random.default_rng(rng.integers(0, 2**62))
        self._at = rng.integers(0, values, tags)

    def __call__(self, first: int, steps: int) -> Ticks:
        changes = self._rng.random((steps, len(self._at)), np.float32) < self._chance
        every = np.zeros((steps + 1, len(self._at)), np.int64)
        every[0] = self._at
        every[1:][changes] = self._news.random(int(changes.sum())) * self._values
        since = np.zeros(every.shape, np.int64)
        since[1:] = np.where(changes, np.arange(1, steps + 1)[:, None], 0)
        held = np.take_along_axis(every, np.maximum.accumulate(since, axis=0), axis=0)[1:]
        self._at = held[-1]
        return held


class Noise:
    """A load that swings slowly with noise upon it."""

    def __init__(self, rng: np.random.Generator, tags: int, middle: int, spread: float) -> None:
        self._rng, self._middle, self._spread = rng, middle, spread
        self._period = rng.uniform(500, 5000, tags)

    def __call__(self, first: int, steps: int) -> Ticks:
        angle = 2 * np.pi * np.arange(first, first + steps)[:, None] / self._period
        noise = self._rng.standard_normal((steps, len(self._period)), np.float32) * self._spread
        return np.rint(self._middle * (1 + 0.5 * np.sin(angle)) + noise).astype(np.int64)
