"""How fast signals move: over a window of their own samples, in their unit a minute.

Two neighbouring samples of a noisy signal say nothing, so the newest is compared with one that is
about a window old. A few samples a signal are kept for that, in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KEPT = 16
"""So many samples of a window are kept, evenly spread."""
_NONE = np.iinfo(np.int64).min


class Rates:
    """Signals, each with the length of its window in seconds."""

    def __init__(self, windows_s: Sequence[float]) -> None:
        self._window_us = (np.array(windows_s, np.float64) * 1e6).astype(np.int64)
        size = len(self._window_us)
        self._time_us = np.full((size, KEPT), _NONE, np.int64)
        self._value = np.full((size, KEPT), np.nan)
        self._now_us = np.full(size, _NONE, np.int64)
        self._now = np.full(size, np.nan)

    def note(
        self, time_us: NDArray[np.int64], value: NDArray[np.float64], usable: NDArray[np.bool_]
    ) -> None:
        """The newest sample of each signal. A sample that goes back in time begins anew."""
        back = usable & (time_us < self._now_us)
        self._time_us[back] = _NONE
        new = np.flatnonzero(usable & (time_us != self._now_us))
        self._now_us[new], self._now[new] = time_us[new], value[new]
        newest = self._time_us[new, 0]
        due = new[(newest == _NONE) | (time_us[new] - newest >= self._window_us[new] // KEPT)]
        self._time_us[due, 1:] = self._time_us[due, :-1]
        self._value[due, 1:] = self._value[due, :-1]
        self._time_us[due, 0], self._value[due, 0] = time_us[due], value[due]

    def per_minute(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The rate of each signal, and whether it is known: at least half a window was seen."""
        size = len(self._now_us)
        if not size:
            return np.empty(0), np.empty(0, dtype=bool)
        oldest_us = self._now_us - self._window_us - self._window_us // KEPT
        within = (self._time_us != _NONE) & (self._time_us >= oldest_us[:, None])
        # times fall along a row, so the last one within is the oldest
        last = KEPT - 1 - np.argmax(within[:, ::-1], axis=1)
        rows = np.arange(size)
        then_us, then = self._time_us[rows, last], self._value[rows, last]
        span_us = np.where(within.any(axis=1), self._now_us - then_us, 0)
        known = span_us >= self._window_us // 2
        rate = np.full(size, np.nan)
        rate[known] = (self._now[known] - then[known]) / (span_us[known] / 60e6)
        return rate, known

    def carry(self, other: Rates, pairs: Sequence[tuple[int, int]]) -> None:
        """Take over what another has seen of some signals: (place here, place there)."""
        for mine, theirs in pairs:
            self._time_us[mine] = other._time_us[theirs]
            self._value[mine] = other._value[theirs]
            self._now_us[mine] = other._now_us[theirs]
            self._now[mine] = other._now[theirs]
