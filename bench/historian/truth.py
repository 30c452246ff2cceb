"""What is true of a set of samples, worked out from the samples themselves, slowly and plainly.

The sets that questions are asked of have no repetitions and no bad quality, so that every system
means the same by its answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.historian.system import PLOTTED, Answer
from bench.mixes import Block


class Truth:
    """A set's samples by tag and time."""

    def __init__(self, blocks: Iterable[Block], tags: int) -> None:
        every = Block.concat(list(blocks))
        order = np.lexsort((every.time_us, every.tag))
        self._time_us, self._value = every.time_us[order], every.value[order]
        self._bounds = np.searchsorted(every.tag[order], np.arange(tags + 1))

    def __len__(self) -> int:
        return len(self._time_us)

    def _of(self, place: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        some = slice(self._bounds[place], self._bounds[place + 1])
        return self._time_us[some], self._value[some]

    def at(self, time_us: int) -> Answer:
        """The last value of every tag up to a time."""
        key, value = [], []
        for place in range(len(self._bounds) - 1):
            times, values = self._of(place)
            row = int(np.searchsorted(times, time_us, "right")) - 1
            if row >= 0:
                key.append(place)
                value.append(values[row])
        return Answer(np.array(key, np.int64), np.array(value))

    def raw(self, place: int, start_us: int, end_us: int) -> Answer:
        times, values = self._of(place)
        low, high = np.searchsorted(times, [start_us, end_us])
        return Answer(times[low:high], values[low:high])

    def plot(self, place: int, start_us: int, end_us: int, pixels: int) -> Answer:
        raw = self.raw(place, start_us, end_us)
        pixel = (raw.key - start_us) // ((end_us - start_us) // pixels)
        key, starts = np.unique(pixel, return_index=True)
        drawn = np.empty((len(key), PLOTTED))
        ends = np.append(starts[1:], len(pixel))
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            values = raw.value[start:end]
            drawn[row] = values[0], values.min(), values.max(), values[-1]
        return Answer(key, drawn)

    def means(self, places: Sequence[int], start_us: int, end_us: int, step_us: int) -> Answer:
        keys, values = [], []
        for place in places:
            raw = self.raw(place, start_us, end_us)
            bucket, starts = np.unique((raw.key - start_us) // step_us, return_index=True)
            counts = np.diff(np.append(starts, len(raw.key)))
            keys.append(Answer.of_buckets(np.full(len(bucket), place), bucket, counts * 1.0).key)
            values.append(np.add.reduceat(raw.value, starts) / counts)
        return Answer.of(np.concatenate(keys), np.concatenate(values))

    def time_averages(
        self, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Answer:
        """Each value holds until the next one comes, across buckets and silence."""
        buckets = (end_us - start_us) // step_us
        edges = start_us + np.arange(buckets + 1) * step_us
        parts = [self._held(place, edges) for place in places]
        tag = np.repeat(np.array(places), buckets)
        return Answer.of_buckets(
            tag, np.tile(np.arange(buckets), len(places)), np.concatenate(parts)
        )

    def _held(self, place: int, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """The average of each bucket of one tag: cut at every sample and edge, then weighed."""
        times, values = self._of(place)
        inside = times[(times > edges[0]) & (times < edges[-1])]
        cuts = np.unique(np.concatenate([edges, inside]))
        row = np.searchsorted(times, cuts[:-1], "right") - 1
        held = np.where(row >= 0, values[row], np.nan)
        span = np.diff(cuts)
        bucket = np.searchsorted(edges, cuts[:-1], "right") - 1
        known = row >= 0
        area = np.bincount(bucket[known], (held * span)[known], len(edges) - 1)
        weight = np.bincount(bucket[known], span[known], len(edges) - 1)
        return np.divide(area, weight, out=np.full(len(area), np.nan), where=weight > 0)


def is_near_a_drawing(drawn: Answer, truth: Answer) -> bool:
    """Whether a plot shows no value that is not there, and every peak of a pixel in that pixel or
    in the one beside it: what rollups can do whose edges are not those of the pixels."""
    if not np.array_equal(drawn.key, truth.key):
        return False
    low, high = truth.value[:, 1], truth.value[:, 2]
    inside = (drawn.value >= low[:, None]) & (drawn.value <= high[:, None])
    beside = [np.roll(drawn.value, by, axis=0) for by in (-1, 0, 1)]
    lowest = np.min([one[:, 1] for one in beside], axis=0)
    highest = np.max([one[:, 2] for one in beside], axis=0)
    return bool(inside.all() and (lowest <= low).all() and (highest >= high).all())
