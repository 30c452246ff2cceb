"""Status codes of results: severity, reason, and where the value came from.

The upper 16 bits are the quality (OPC 10000-4, 7.39), the lower ones say that the code belongs to
a data value of a historian (OPC 10000-11, 6.3.2; OPC 10000-13, 5.3.3). No lower bit: a raw value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lianji.history.aggregates.rules import Rules

Statuses = NDArray[np.uint32]

GOOD = np.uint32(0x0000_0000)
UNCERTAIN_DATA_SUB_NORMAL = np.uint32(0x40A4_0000)
BAD = np.uint32(0x8000_0000)
BAD_NO_DATA = np.uint32(0x809B_0000)

RAW = np.uint32(0x0000)
CALCULATED = np.uint32(0x0401)
INTERPOLATED = np.uint32(0x0402)
PARTIAL = np.uint32(0x0404)
EXTRA_DATA = np.uint32(0x0408)
MULTIPLE_VALUES = np.uint32(0x0410)

_UNCERTAIN_BIT = np.uint32(0x4000_0000)


def is_bad(status: Statuses) -> NDArray[np.bool_]:
    return status >= BAD


def is_good(status: Statuses) -> NDArray[np.bool_]:
    return status < _UNCERTAIN_BIT


def good_unless(doubtful: NDArray[np.bool_]) -> Statuses:
    return np.where(doubtful, UNCERTAIN_DATA_SUB_NORMAL, GOOD)


def flagged(status: Statuses, flag: np.uint32, where: NDArray[np.bool_]) -> Statuses:
    return np.where(where, status | flag, status)


def by_share(
    good: NDArray[np.float64], bad: NDArray[np.float64], whole: NDArray[np.float64], rules: Rules
) -> Statuses:
    """Good, bad or between, by what part of the whole is good and bad (5.4.3.2.1).

    Shares are of time or of samples. Where both limits are met, they are met exactly, and then
    good wins (4.2.1.2). Nothing at all is good: nothing was bad.
    """
    between_or_bad = np.where(
        bad * 100 >= whole * rules.percent_data_bad, BAD, UNCERTAIN_DATA_SUB_NORMAL
    )
    return np.where(good * 100 >= whole * rules.percent_data_good, GOOD, between_or_bad)
