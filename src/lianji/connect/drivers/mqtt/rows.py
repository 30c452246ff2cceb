"""Samples on their way from messages to columns.

MQTT hands over one message at a time, so rows are gathered in plain lists and become numpy
columns once for everything that came together.
"""

from __future__ import annotations

import math

import numpy as np

from lianji.connect.driver import Columns
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

NO_VALUE = math.nan


class Rows:
    """A growing set of samples, one list a column."""

    __slots__ = ("has_text", "numbers", "quality", "texts", "times_us", "values")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.times_us: list[int] = []
        self.values: list[float] = []
        self.quality: list[int] = []
        self.texts: list[str | None] = []
        self.has_text = False

    def __len__(self) -> int:
        return len(self.numbers)

    def add(
        self, number: int, time_us: int, value: float, quality: int, text: str | None = None
    ) -> None:
        self.numbers.append(number)
        self.times_us.append(time_us)
        self.values.append(value)
        self.quality.append(quality)
        self.texts.append(text)
        if text is not None:
            self.has_text = True

    def columns(self) -> Columns:
        return Columns(
            np.array(self.numbers, dtype=np.int32),
            np.array(self.times_us, dtype=np.int64),
            np.array(self.values, dtype=np.float64),
            np.array(self.quality, dtype=np.uint16),
            self.texts if self.has_text else None,
        )


def is_sound_time(time_us: int) -> bool:
    """Whether a batch takes this time: what lies outside 1900-2200 is a broken clock."""
    return TIME_US_MIN <= time_us <= TIME_US_MAX
