"""The calendar as an input: the hour of the day and the day of the week, in UTC.

An input with the aggregate ``hour_of_day`` or ``day_of_week`` says when it is ``lag_s`` before now.
Local time is had by the lag: 16 hours back in UTC is the same hour in Shanghai, a day earlier.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

US = 1_000_000
DAY_US = 86_400 * US
MONDAY_US = 4 * DAY_US
"""1970-01-05, a Monday."""


def calendar_of(
    times_us: NDArray[np.int64], how: Literal["hour_of_day", "day_of_week"]
) -> NDArray[np.float64]:
    """Of each moment: 0 up to 24 hours with fractions; or 0 for Monday to 6 for Sunday."""
    if how == "hour_of_day":
        return (times_us % DAY_US) / (3600.0 * US)
    return ((times_us - MONDAY_US) // DAY_US % 7).astype(np.float64)
