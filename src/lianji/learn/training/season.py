"""What a forecast of a load looks at: the same time on earlier days, levels, and the calendar.

A forecast is made at the end of a row, of the row ``ahead`` rows later. Every column is an input of
the card as an edge feeds it: a mean over rows that are known by then, or the calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.card import Input
from lianji.learn.models.clock import calendar_of
from lianji.learn.training.anomaly_limits import window_means

Floats = NDArray[np.float64]
US = 1_000_000
DAY_S = 86_400
WEEK_S = 7 * DAY_S
DAYS = (1, 2, 3, 4, 5, 6, 7, 8, 14, 21, 28)
LEVEL_DAYS = (2, 7, 8, 14)
WEEKS = (1, 2, 3, 4)
HISTORY_DAYS = 29
"""Before so much was seen nothing is forecast."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A column: ``rows`` rows that end ``back`` rows before the newest known one, as their mean;
    or the calendar of the row that is forecast."""

    name: str
    how: Literal["mean", "hour_of_day", "day_of_week"]
    rows: int
    back: int
    """For the calendar: seconds to look back from now, in UTC."""

    def input(self, tag: str, unit: str, step_s: float, low: float, high: float) -> Input:
        """As the card says it."""
        if self.how != "mean":
            return Input(
                name=self.name, tag=tag, aggregate=self.how, lag_s=self.back, low=low, high=high
            )
        return Input(
            name=self.name,
            tag=tag,
            unit=unit,
            aggregate="mean",
            window_s=self.rows * step_s,
            lag_s=self.back * step_s,
            low=low,
            high=high,
            required=False,
        )


def seen_for(ahead: int, step_s: int, zone_s: int) -> list[Seen]:
    """The columns of a forecast of ``ahead`` rows; ``zone_s`` is local time less UTC."""
    day = DAY_S // step_s
    back = [(f"day-{days}", 1, days * day - ahead) for days in DAYS]
    back += [(f"mean-{hours}h", max(hours * 3600 // step_s, 1), 0) for hours in (1, 4, 24, 168)]
    back += [(f"level-{days}d", day, days * day - ahead) for days in LEVEL_DAYS]
    back.append(("level-week", 7 * day, 8 * day - ahead))
    seen = [Seen(name, "mean", rows, rows_back) for name, rows, rows_back in back if rows_back >= 0]
    turned = -((ahead - 1) * step_s + zone_s) % WEEK_S
    return [
        *seen,
        Seen("hour", "hour_of_day", 0, turned),
        Seen("weekday", "day_of_week", 0, turned),
    ]


def columns_of(
    times_us: NDArray[np.int64], load: Floats, seen: Sequence[Seen], step_s: int
) -> NDArray[np.float32]:
    """[rows, seen]: what is known at the end of each row. NaN before the begin."""
    now_us = times_us + step_s * US
    out = np.full((len(load), len(seen)), np.nan)
    for place, one in enumerate(seen):
        if one.how != "mean":
            out[:, place] = calendar_of(now_us - one.back * US, one.how)
            continue
        means = window_means(load[:, None], one.rows)[:, 0]
        means[: one.rows - 1] = np.nan
        out[one.back :, place] = means[: max(len(means) - one.back, 0)]
    return out.astype(np.float32)


def same_hour(load: Floats, ahead: int, step_s: int) -> Floats:
    """The baseline [rows]: the mean of the last 4 weeks at the hour that is forecast."""
    week = WEEK_S // step_s
    first = -(-ahead // week)
    known = [_back(load, (first + place) * week - ahead) for place in range(len(WEEKS))]
    return np.asarray(np.mean(known, axis=0))


def true_later(load: Floats, ahead: int) -> Floats:
    """[rows]: what is to be forecast; NaN where the rows end."""
    out = np.full(len(load), np.nan)
    out[: max(len(load) - ahead, 0)] = load[ahead:]
    return out


def _back(load: Floats, rows: int) -> Floats:
    out = np.full(len(load), np.nan)
    out[rows:] = load[: max(len(load) - rows, 0)]
    return out
