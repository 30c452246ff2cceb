"""Worth: which samples are good, and which may be used (OPC 10000-13, 4.2.1.2).

Good is strict. An uncertain sample may be used where the rules do not treat it as bad. Where a
number is needed, a sample without one (a text, an infinity) is bad whatever its quality says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import BAD_BIT, UNCERTAIN_BIT
from lianji.history.aggregates.slices import Flags, Places, taken

_FIRST_UNCERTAIN = np.uint16(UNCERTAIN_BIT)
_FIRST_BAD = np.uint16(BAD_BIT)


@dataclass(frozen=True, slots=True)
class Worth:
    """``flawless``: all are good, and whoever asks may take a short cut."""

    good: Flags
    usable: Flags
    flawless: bool

    def good_at(self, rows: Places) -> Flags:
        return taken(self.good, rows)

    def usable_at(self, rows: Places) -> Flags:
        return taken(self.usable, rows)


def worth_by_quality(quality: NDArray[np.uint16], uncertain_is_bad: bool) -> Worth:
    if not quality.any():
        everything = np.ones(len(quality), np.bool_)
        return Worth(everything, everything, True)
    good = quality < _FIRST_UNCERTAIN
    usable = good if uncertain_is_bad else quality < _FIRST_BAD
    return Worth(good, usable, bool(good.all()))


def worth_as_number(worth: Worth, value: NDArray[np.float64]) -> Worth:
    number = np.isfinite(value)
    if number.all():
        return worth
    good = worth.good & number
    usable = good if worth.usable is worth.good else worth.usable & number
    return Worth(good, usable, False)
