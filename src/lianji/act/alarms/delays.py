"""On-delay and off-delay for all alarms at once: what has held without a break for long enough.

Two clocks measure how long. The samples' own times count where samples come late (a gateway that
was away for an hour brings an hour); the process's steady clock counts where a value stands still
and no new sample comes. Each is a difference within one clock, so neither a device whose clock is
wrong nor a clock that is set does any harm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).min


class Delays:
    """Which alarms are active, after their delays."""

    def __init__(
        self, on_s: NDArray[np.float64], off_s: NDArray[np.float64], active: NDArray[np.bool_]
    ) -> None:
        self._on_s, self._off_s = on_s, off_s
        self.active = active.copy()
        self._since_s = np.full(len(active), np.nan)
        self._since_us = np.full(len(active), NEVER, np.int64)

    def settle(
        self, true: NDArray[np.bool_], sample_us: NDArray[np.int64], steady_s: float
    ) -> NDArray[np.intp]:
        """Take what is true now; the places of those that became active or ended by it.

        ``sample_us`` is the time of the sample that says so, ``NEVER`` where there is none.
        """
        differs = true != self.active
        self._since_s[~differs] = np.nan
        begins = differs & np.isnan(self._since_s)
        self._since_s[begins] = steady_s
        self._since_us[begins] = sample_us[begins]
        waiting = np.flatnonzero(differs)
        waited_s = steady_s - self._since_s[waiting]
        timed = (sample_us[waiting] != NEVER) & (self._since_us[waiting] != NEVER)
        by_sample_s = np.zeros(len(waiting))
        own = waiting[timed]
        by_sample_s[timed] = (sample_us[own] - self._since_us[own]) / 1e6
        needed_s = np.where(true[waiting], self._on_s[waiting], self._off_s[waiting])
        due = waiting[np.maximum(waited_s, by_sample_s) >= needed_s]
        self.active[due] = true[due]
        self._since_s[due] = np.nan
        return due

    def carry(self, other: Delays, mine: NDArray[np.intp], theirs: NDArray[np.intp]) -> None:
        """Take over how long some alarms of another have waited."""
        self.active[mine] = other.active[theirs]
        self._since_s[mine] = other._since_s[theirs]
        self._since_us[mine] = other._since_us[theirs]
