"""When the factory works: two shifts, meal breaks, Sundays, public holidays, stock-taking.

Everything is counted in slots of five minutes since ``EPOCH_US`` (the first day of 2025 in
Shanghai, whose clock has had no summer time since 1991, so local time is plain arithmetic).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.node.demo.noise import Floats, Ints

EPOCH = date(2025, 1, 1)
EPOCH_US = 1_735_660_800_000_000
SLOT_S = 300
SLOT_US = SLOT_S * 1_000_000
SLOTS_A_DAY = 288
DAY_US = SLOTS_A_DAY * SLOT_US
FIRST_DAY = 1
"""The day before it is what the slow temperatures of the first day come from."""
OWN = slice(SLOTS_A_DAY, None)
"""Cuts the day of lead off an array that has one entry a slot."""

_SPRING_FESTIVALS = (
    (2025, 1, 29), (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3),
    (2031, 1, 23), (2032, 2, 11), (2033, 1, 31), (2034, 2, 19), (2035, 2, 8),
)  # fmt: skip
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


def slot_of(hour: int, minute: int = 0) -> int:
    return (hour * 60 + minute) * 60 // SLOT_S


HEATING_START, SHIFT_START, SHIFT_END = slot_of(5, 30), slot_of(7), slot_of(23)
BREAKS = ((slot_of(11, 30), slot_of(12, 15)), (slot_of(18), slot_of(18, 30)))


@lru_cache(maxsize=8192)
def day_off(day: int) -> bool:
    """True on Sundays, public holidays and the stock-taking on a month's last Saturday."""
    today = EPOCH + timedelta(days=day)
    if today.weekday() == 6 or (today.month, today.day) in _FIXED_HOLIDAYS:
        return True
    if today.weekday() == 5 and (today + timedelta(days=7)).month != today.month:
        return True
    # the eve of the Spring Festival and its first three days (State Council Decree 795)
    return any(-1 <= (today - date(*first)).days <= 2 for first in _SPRING_FESTIVALS)


@dataclass(frozen=True, slots=True)
class Span:
    """``count`` slots from ``first`` on. Its arrays begin a day earlier: heat remembers."""

    first: int
    count: int

    @property
    def slots(self) -> Ints:
        """The slots' numbers, int64 (SLOTS_A_DAY + count,)."""
        return np.arange(self.first - SLOTS_A_DAY, self.first + self.count)


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of one span: seconds since the epoch, place in the span, seconds into the slot."""

    seconds: Ints
    time_s: Floats
    index: Ints
    into_s: Floats

    @classmethod
    def of(cls, times_us: Ints, span: Span) -> Moments:
        since = times_us - EPOCH_US
        slot = since // SLOT_US
        into = (since - slot * SLOT_US).astype(np.float64) * 1e-6
        return cls(since // 1_000_000, since.astype(np.float64) * 1e-6, slot - span.first, into)


def day_of(time_us: int) -> int:
    """The local day of a moment, counted from the epoch. Raises InputError before its start."""
    day = (time_us - EPOCH_US) // DAY_US
    if day < FIRST_DAY:
        raise InputError(
            "demo-before-epoch",
            Text(
                "The demo plant was founded on 2 January 2025 and knows nothing before it.",
                "演示工厂始建于 2025 年 1 月 2 日，此前没有数据。",
            ),
            Text("Set this computer's clock.", "请校准本机时钟。"),
        )
    return day


def on_working_day(slots: Ints) -> NDArray[np.bool_]:
    days = slots // SLOTS_A_DAY
    first = int(days[0])
    off = np.array([day_off(day) for day in range(first, int(days[-1]) + 1)])
    return ~off[days - first]


def between(slots: Ints, start: int, end: int) -> NDArray[np.bool_]:
    """Slots whose time of day is in [start, end)."""
    of_day = slots % SLOTS_A_DAY
    return (of_day >= start) & (of_day < end)


def working(slots: Ints) -> NDArray[np.bool_]:
    """Slots in which people are at the machines."""
    present = on_working_day(slots) & between(slots, SHIFT_START, SHIFT_END)
    for start, end in BREAKS:
        present &= ~between(slots, start, end)
    return present


def weekly(slots: Ints) -> Ints:
    """The number of the week, Monday to Sunday (the epoch was a Wednesday)."""
    return (slots // SLOTS_A_DAY + 2) // 7
