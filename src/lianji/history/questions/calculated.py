"""Calculated tags over samples: an expression at each moment at which one of its inputs spoke.

Nothing is stored of a calculated tag: it is worked out of its inputs whenever it is asked for, so
late and corrected samples count at once. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.expression import Expression
from lianji.dictionary.quality import Qualities, Quality, is_bad
from lianji.history.rows import Rows

BLOCK_CELLS = 4_000_000
"""So many values are taken at a time, inputs times moments, which bounds the memory."""
BLOCK_ROWS = 65_536


def calculated(
    expression: Expression,
    inputs: Rows,
    linear: NDArray[np.bool_],
    start_us: int,
    end_us: int,
) -> Rows:
    """The samples of an expression with start <= time < end, sorted by time, all of tag 0.

    ``inputs`` are sorted by tag and time, each key once; ``Rows.tag`` and the index of ``linear``
    are places in ``expression.tags``. They hold each input's samples in the range, its last one
    before (needed to know what was) and its first one after (needed for slopes to reach the end).

    There is a row at each time at which an input has a sample, and one at the start if all inputs
    are known there. Inputs of kind step hold their last value; linear ones move in a slope between
    two samples with values (OPC 10000-13, section 4.2.1.4), and a slope's last value held beyond
    its last sample is uncertain. Before an input's first sample the result is bad:
    ``BAD_WAITING_FOR_INITIAL_DATA``.
    """
    bounds = np.searchsorted(inputs.tag, np.arange(len(expression.tags) + 1))
    signals = [
        _Signal.of(inputs.take(slice(int(first), int(last))), bool(slope))
        for first, last, slope in zip(bounds[:-1], bounds[1:], linear, strict=True)
    ]
    times = _moments(inputs.time_us, signals, start_us, end_us)
    value, quality = np.empty(len(times)), np.empty(len(times), np.uint16)
    step = max(1, min(BLOCK_ROWS, BLOCK_CELLS // len(signals)))
    for first in range(0, len(times), step):
        block = slice(first, first + step)
        taken = [signal.at(times[block]) for signal in signals]
        value[block], quality[block] = expression.evaluate(
            [one[0] for one in taken], [one[1] for one in taken]
        )
    tag = np.zeros(len(times), np.int32)
    return Rows(tag, times, value, quality, pa.nulls(len(times), pa.string()))


def _moments(
    times_us: NDArray[np.int64], signals: list[_Signal], start_us: int, end_us: int
) -> NDArray[np.int64]:
    within = times_us[(times_us >= start_us) & (times_us < end_us)]
    if start_us < end_us and all(signal.is_known_at(start_us) for signal in signals):
        within = np.append(within, start_us)
    within.sort(kind="stable")  # merges rising runs; np.unique hashes, a hundred times slower
    return within[np.append(True, within[1:] != within[:-1])] if len(within) else within


@dataclass(slots=True)
class _Signal:
    """The samples of one input, in order of time."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: Qualities
    usable: NDArray[np.bool_]
    linear: bool

    @classmethod
    def of(cls, rows: Rows, linear: bool) -> _Signal:
        usable = ~is_bad(rows.quality) & np.isfinite(rows.value)
        return cls(rows.time_us, rows.value, rows.quality, usable, linear)

    def is_known_at(self, time_us: int) -> bool:
        return len(self.time_us) > 0 and bool(self.time_us[0] <= time_us)

    def at(self, times_us: NDArray[np.int64]) -> tuple[NDArray[np.float64], Qualities]:
        """Value and quality at each of these rising times."""
        place = self._places(times_us)
        known = place >= 0
        if not known.any():
            waiting = np.full(len(place), Quality.BAD_WAITING_FOR_INITIAL_DATA, np.uint16)
            return np.full(len(place), np.nan), waiting
        held = np.maximum(place, 0)
        value, quality = self.value[held], self.quality[held]
        if self.linear:
            self._slope(times_us, held, value, quality)
        if not known.all():
            value[~known] = np.nan
            quality[~known] = Quality.BAD_WAITING_FOR_INITIAL_DATA
        return value, quality

    def _places(self, times_us: NDArray[np.int64]) -> NDArray[np.intp]:
        """The last sample at or before each time, -1 where there is none.

        Searching the rarer among the other is quick where an input speaks seldom.
        """
        first, last = np.searchsorted(self.time_us, times_us[[0, -1]], side="right")
        steps = np.searchsorted(times_us, self.time_us[first:last])
        lengths = np.diff(steps, prepend=0, append=len(times_us))
        return np.repeat(np.arange(first - 1, last), lengths)

    def _slope(
        self,
        times_us: NDArray[np.int64],
        held: NDArray[np.intp],
        value: NDArray[np.float64],
        quality: Qualities,
    ) -> None:
        """Move ``value`` and ``quality`` on from the samples held to the times, in place."""
        between = np.flatnonzero((self.time_us[held] < times_us) & self.usable[held])
        before = held[between]
        after = np.minimum(before + 1, len(self.time_us) - 1)
        sloped = (after > before) & self.usable[after]
        beyond = between[~sloped]
        quality[beyond] = np.maximum(quality[beyond], Quality.UNCERTAIN_LAST_USABLE_VALUE)
        between, before, after = between[sloped], before[sloped], after[sloped]
        span = self.time_us[after] - self.time_us[before]
        share = (times_us[between] - self.time_us[before]) / span
        with np.errstate(over="ignore"):
            rise = self.value[after] - self.value[before]
            value[between] += share * rise
        quality[between] = np.maximum(quality[between], self.quality[after])
