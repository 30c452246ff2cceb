"""Which part of a data set a row belongs to, by its time alone. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.moments import parse_moment
from lianji.learn.datasets.spec import DataSetSpec, Split, parts_of

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Splitter:
    """Deals rows out to ``names``: the same times always alike."""

    def __init__(self, spec: DataSetSpec) -> None:
        self.names = list(parts_of(spec))
        self._random = spec.split.random if spec.split else None
        self._edges_us = _edges_us(spec)
        self._upto = np.cumsum(_shares(spec.split))[:-1] if self._random else None

    def places(self, times_us: NDArray[np.int64]) -> NDArray[np.intp]:
        """Of each time the place of its part in ``names``."""
        if self._random is None or self._upto is None:
            return np.searchsorted(self._edges_us, times_us, side="right")
        chance = _chance(times_us, self._random.seed)
        return np.searchsorted(self._upto, chance, side="right")

    def bounds_us(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """When each part begins and ends; the whole range for parts dealt out by chance."""
        if self._random is not None:
            return [(start_us, end_us)] * len(self.names)
        edges = [start_us, *self._edges_us.tolist(), end_us]
        return list(pairwise(edges))


def _edges_us(spec: DataSetSpec) -> NDArray[np.int64]:
    """The times between parts; shares are of the range, cut at whole steps."""
    split, none = spec.split, np.empty(0, np.int64)
    if split is None or split.random is not None:
        return none
    dated = [text for text in (split.validation_from, split.test_from) if text is not None]
    if dated:
        return np.array([parse_moment(text, 0) for text in dated], np.int64)
    upto = np.cumsum(_shares(split))[:-1]
    step_us = max(1, spec.step_us)
    steps = np.rint(upto * (spec.end_us - spec.start_us) / step_us).astype(np.int64)
    return spec.start_us + steps * step_us


def _shares(split: Split | None) -> list[float]:
    found = [getattr(split, name, None) for name in ("train", "validation", "test")]
    return [share for share in found if share is not None]


def _chance(times_us: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A number from 0 up to 1 of each time (SplitMix64: Steele, Lea, Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        mixed = times_us.view(np.uint64) + _GOLDEN * np.uint64((seed + 1) % (1 << 63))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)
