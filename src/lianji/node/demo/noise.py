"""Randomness that is a function: the same key and moment always give the same number.

A generator with a state could not be asked about last Tuesday without being run through the
week. A hash can, so history and live values come from one formula and join without a seam.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 20_250_101
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U27, _U30, _U31 = np.uint64(27), np.uint64(30), np.uint64(31)
_U16, _U32, _U48 = np.uint64(16), np.uint64(32), np.uint64(48)
_LOW = np.uint64(0xFFFF)


def _mixed(key: int, numbers: Any) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)."""
    start = np.uint64((key * 0x5851F42D4C957F2D + SEED) & 0xFFFF_FFFF_FFFF_FFFF)
    bits = (np.atleast_1d(np.asarray(numbers, dtype=np.int64)).view(np.uint64) + start) * _GOLDEN
    bits = (bits ^ (bits >> _U30)) * _MIX_1
    bits = (bits ^ (bits >> _U27)) * _MIX_2
    return np.asarray(bits ^ (bits >> _U31))


def uniform(key: int, numbers: Any) -> Floats:
    """One number in [0, 1) for each integer."""
    return (_mixed(key, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def white(key: int, numbers: Any) -> Floats:
    """One nearly normal number for each integer: mean 0, deviation 1, never beyond 3.5."""
    bits = _mixed(key, numbers)
    total = (bits & _LOW) + ((bits >> _U16) & _LOW) + ((bits >> _U32) & _LOW) + (bits >> _U48)
    return np.asarray((total.astype(np.float64) * (1 / 65536) - 2.0) * 3.0**0.5)


def wander(key: int, time_s: Floats, period_s: float) -> Floats:
    """A smooth walk in [-1, 1] that takes a new direction every ``period_s`` seconds."""
    steps = time_s / period_s
    whole = np.floor(steps)
    part = steps - whole
    first = int(whole.min())
    lattice = 2.0 * uniform(key, np.arange(first, int(whole.max()) + 2)) - 1.0
    index = (whole - first).astype(np.int64)
    smooth = part * part * (3.0 - 2.0 * part)
    left = lattice[index]
    return np.asarray(left + (lattice[index + 1] - left) * smooth)
