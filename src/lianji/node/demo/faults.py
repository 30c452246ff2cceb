"""What goes wrong at the demo plant, and when.

Two kinds. What stands in the calendar (a meter that was silent, a thermocouple that drifted until
it was replaced) belongs to the plant's past as to its present. What is staged happens only on the
live wires, every few minutes, so that a visitor sees bad quality without waiting for a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import Quality
from lianji.node.demo.noise import Floats, Ints, uniform
from lianji.node.demo.shift_calendar import DAY_US, EPOCH_US

SILENT_METER = "meter-utilities"
DRIFTING_SENSOR = "imm-02.barrel_3_temperature"
STAGED_SENSOR = "imm-03.barrel_2_temperature"
_HOUR_US = 3_600_000_000
_CYCLE_DAYS = 28
_DRIFT_START, _FAILURE, _REPLACED = 9 * 24 + 4.0, 11 * 24 + 9.4, 11 * 24 + 16.7
"""Hours of the 28-day cycle in which the thermocouple drifts, breaks and is replaced."""
_DRIFT_CEL = 17.0
_SILENT_SHARE = 0.3
_STAGED_METER, _STAGED_SENSOR = (240, 270, 300), (200, 240, 420)
"""Start, end and period in seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Whose samples (a key prefix such as ``meter-main.``), where, and with which quality."""

    prefix: str
    rows: NDArray[np.bool_]
    quality: Quality


def _hour_of_cycle(times_us: Ints) -> Floats:
    return np.asarray((times_us - EPOCH_US) % (_CYCLE_DAYS * DAY_US) / _HOUR_US)


def drift_of(times_us: Ints) -> Iterator[tuple[str, Floats]]:
    """What to add to a signal whose sensor has drifted."""
    hour = _hour_of_cycle(times_us)
    if hour[-1] >= _DRIFT_START and hour[0] < _REPLACED:
        part = (hour - _DRIFT_START) / (_FAILURE - _DRIFT_START)
        drifted = (hour >= _DRIFT_START) & (hour < _REPLACED)
        yield DRIFTING_SENSOR, np.where(drifted, _DRIFT_CEL * part**2, 0.0)


def in_calendar(times_us: Ints) -> Iterator[Fault]:
    """The faults of ascending moments of one local day."""
    hour = _hour_of_cycle(times_us)
    failed = (hour >= _FAILURE) & (hour < _REPLACED)
    if failed.any():
        yield Fault(DRIFTING_SENSOR, failed, Quality.BAD_SENSOR_FAILURE)
    day = int(times_us[0] - EPOCH_US) // DAY_US
    chance, start, length = (float(uniform(500 + n, day)[0]) for n in range(3))
    if chance < _SILENT_SHARE:
        minute = (times_us - EPOCH_US) % DAY_US / 60e6
        first = 60 + 1300 * start
        silent = (minute >= first) & (minute < first + 3 + 40 * length**2)
        if silent.any():
            yield Fault(f"{SILENT_METER}.", silent, Quality.BAD_NO_COMMUNICATION)


def _staged(time_us: int, times: tuple[int, int, int]) -> bool:
    start, end, period = times
    return start <= time_us // 1_000_000 % period < end


def meter_is_silent(time_us: int) -> bool:
    """True while the live meter does not answer: 30 s of every 5 minutes."""
    return _staged(time_us, _STAGED_METER)


def sensor_has_failed(time_us: int) -> bool:
    """True while the live thermocouple is broken: 40 s of every 7 minutes."""
    return _staged(time_us, _STAGED_SENSOR)
