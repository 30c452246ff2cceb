"""What the marks add up to: how long batches waited and were served at each stage.

A histogram of eight buckets an octave, so a percentile is right within 9 % and a fold costs a
count; it forgets nothing and needs no window.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.trace.marks import Marks, Stage

_A_OCTAVE = 8
_BUCKETS = 48 * _A_OCTAVE


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Microseconds; ``count`` batches passed the stage."""

    stage: str
    count: int
    wait_p50_us: float
    wait_p99_us: float
    served_p50_us: float
    served_p99_us: float


class Stages:
    """Histograms of waiting and service, by stage. Any thread may fold and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = np.zeros((len(Stage), 2, _BUCKETS), np.int64)

    def fold(self, marks: Iterable[Marks]) -> None:
        """Add the marks of batches that have come to the end of their way."""
        flat = [number for one in marks for number in one]
        if not flat:
            return
        triples = np.array(flat, np.int64).reshape(-1, 3)
        with self._lock:
            for column in (0, 1):
                place = triples[:, 0] * _BUCKETS + _bucket(triples[:, column + 1])
                counts = np.bincount(place, minlength=len(Stage) * _BUCKETS)
                self._counts[:, column] += counts.reshape(len(Stage), _BUCKETS)

    def figures(self) -> list[StageFigures]:
        """One entry for every stage that a batch has passed, in the order of the way."""
        with self._lock:
            counts = self._counts.copy()
        return [
            StageFigures(
                stage.name.lower(),
                int(counts[stage, 0].sum()),
                _percentile_us(counts[stage, 0], 0.50),
                _percentile_us(counts[stage, 0], 0.99),
                _percentile_us(counts[stage, 1], 0.50),
                _percentile_us(counts[stage, 1], 0.99),
            )
            for stage in Stage
            if counts[stage].any()
        ]


def _bucket(ns: NDArray[np.int64]) -> NDArray[np.int64]:
    octaves = np.log2(np.maximum(ns, 1)) * _A_OCTAVE
    return np.minimum(octaves.astype(np.int64), _BUCKETS - 1)


def _percentile_us(counts: NDArray[np.int64], share: float) -> float:
    """The middle of the bucket in which the percentile lies."""
    place = int(np.searchsorted(np.cumsum(counts), share * counts.sum()))
    return round(float(2 ** ((place + 0.5) / _A_OCTAVE)) / 1000, 3)
