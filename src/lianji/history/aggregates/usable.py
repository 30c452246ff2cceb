"""Usable: the samples that interpolation may rest on, the others looked past (3.1.8).

What bad samples were looked past, or what ends at an uncertain one, is not clean: a result that
rests on it is uncertain.
"""

from __future__ import annotations

import numpy as np

from lianji.history.aggregates.slices import Flags, Floats, Instants, Places, Slices, taken
from lianji.history.aggregates.worth import Worth


class UsableSlices:
    """Slices of the usable samples only. Raises nothing; a tag may have none."""

    def __init__(self, all_slices: Slices, worth: Worth, sloped_extrapolation: bool) -> None:
        self._all = all_slices
        self._sloped_extrapolation = sloped_extrapolation
        self.flawless = worth.flawless
        if worth.flawless:
            self.slices = all_slices
            return
        self._origin = np.flatnonzero(worth.usable)
        self.slices = Slices(
            all_slices.time_us[self._origin],
            all_slices.value[self._origin],
            all_slices.quality[self._origin],
            np.searchsorted(self._origin, all_slices.offsets),
            all_slices.grid,
        )
        good = worth.good[self._origin]
        self._good = good
        self.clean = np.zeros(len(good), np.bool_)
        self.clean[:-1] = (np.diff(self._origin) == 1) & good[1:] & good[:-1]

    def is_clean(self, rows: Places) -> Flags:
        """True where the row and the next of its tag are good and nothing lies between them."""
        followed: Flags = rows + 1 < self.slices.stop
        return followed if self.flawless else followed & taken(self.clean, rows)

    def values_behind(self, rows: Places, us: Floats | Instants) -> Floats:
        """The value some time behind each row; past a tag's last one as the rules extrapolate."""
        slices = self.slices
        followed = rows + 1 < slices.stop
        drawn_on = ~followed & (rows > slices.begin) & self._sloped_extrapolation
        risen = slices.risen(np.where(drawn_on, rows - 1, rows), us)
        return slices.values_at(rows) + np.where(followed | drawn_on, risen, 0)

    def is_stale(self, rows: Places) -> Flags:
        """For rows held up to the edges: uncertain, followed by a bad sample or by none at all."""
        ended: Flags = self._all.cut == self._all.stop
        if self.flawless:
            return ended
        overtaken: Flags = taken(self._origin, rows) != self._all.upto
        return ended | overtaken | ~taken(self._good, rows)
