"""Weather of the Yangtze delta, and what the halls make of it."""

from __future__ import annotations

import numpy as np

from lianji.node.demo.noise import Floats, Ints, wander, white
from lianji.node.demo.shift_calendar import SLOT_S, Moments

_YEAR_S, _DAY_S = 365.2425 * 86_400, 86_400.0


def outdoor_cel(time_s: Floats) -> Floats:
    """Season (coldest on 20 January), day (warmest at 15:00) and weather fronts of three days."""
    season = -12.5 * np.cos(2 * np.pi * (time_s - 19 * _DAY_S) / _YEAR_S)
    day = 3.8 * np.cos(2 * np.pi * (time_s % _DAY_S - 54_000) / _DAY_S)
    return np.asarray(17.0 + season + day + 4.0 * wander(1, time_s, 3 * _DAY_S))


def outdoor_of_slots(slots: Ints) -> Floats:
    return outdoor_cel(slots.astype(np.float64) * SLOT_S)


def hall_target(slots: Ints, producing: Floats) -> Floats:
    """Where the moulding hall's temperature tends to; ``producing`` machines warm it."""
    return np.asarray(0.45 * outdoor_of_slots(slots) + 12.0 + 1.3 * producing)


def humidity(moments: Moments, hall_cel: Floats) -> Floats:
    """Relative humidity of the hall in %: damp weather, dried by warmth."""
    damp = 58.0 + 14.0 * wander(2, moments.time_s, 1.5 * _DAY_S) - 0.9 * (hall_cel - 22.0)
    return np.clip(damp + 0.4 * white(3, moments.seconds), 15.0, 98.0)
