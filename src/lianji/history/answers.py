"""Answers: what is worked out of sorted samples. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.dictionary.batch import TIME_TYPE
from lianji.dictionary.quality import Quality, is_bad
from lianji.history.rows import Rows


def thin_to_pixels(rows: Rows, start_us: int, end_us: int, pixels: int) -> Rows:
    """At most four samples a tag and pixel, so that the drawn line looks as if all were drawn.

    First, lowest, highest and last of each pixel (M4: Jugel et al., VLDB 2014), and of each
    pixel with samples without a value the first of those, so that a gap stays a gap.
    """
    if not len(rows):
        return rows
    width = max(1, end_us - start_us)
    pixel = (rows.time_us - start_us) * pixels // width
    bucket = rows.tag.astype(np.int64) * pixels + pixel
    new = np.append(True, bucket[1:] != bucket[:-1])
    starts = np.flatnonzero(new)
    ordinal = np.cumsum(new) - 1
    keep = np.zeros(len(rows), dtype=bool)
    keep[starts] = True
    keep[np.append(starts[1:] - 1, len(rows) - 1)] = True
    missing = np.isnan(rows.value)
    for extreme, empty in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        filled = np.where(missing, empty, rows.value)
        best = extreme.reduceat(filled, starts)[ordinal]
        keep[_first_of_bucket((filled == best) & ~missing, ordinal)] = True
    keep[_first_of_bucket(missing, ordinal)] = True
    return rows.take(keep)


def _first_of_bucket(mask: NDArray[np.bool_], ordinal: NDArray[np.intp]) -> NDArray[np.intp]:
    places = np.flatnonzero(mask)
    _, first = np.unique(ordinal[places], return_index=True)
    return places[first]


def at_instant(before: Rows, after: Rows, time_us: int, linear: NDArray[np.bool_]) -> Rows:
    """The value of each tag at one instant, from its samples on both sides.

    ``linear`` (by tag code) says which tags move in a slope between two samples; the others, and
    those without two good numbers around the instant, hold their last value (OPC 10000-13,
    section 4.2.1.4). A slope tag's last value held beyond its last sample is uncertain.
    """
    value, quality = before.value.copy(), before.quality.copy()
    following = {tag: row for row, tag in enumerate(after.tag.tolist())}
    for row, tag in enumerate(before.tag.tolist()):
        if not linear[tag] or before.time_us[row] == time_us or is_bad(before.quality[row]):
            continue
        other = following.get(tag)
        if other is None or is_bad(after.quality[other]) or np.isnan(after.value[other]):
            quality[row] = max(int(quality[row]), Quality.UNCERTAIN_LAST_USABLE_VALUE)
            continue
        span = after.time_us[other] - before.time_us[row]
        share = (time_us - before.time_us[row]) / span
        value[row] += share * (after.value[other] - value[row])
    times = np.full(len(before), time_us, np.int64)
    return Rows(before.tag, times, value, quality, before.text)


Reduction = Callable[["Groups"], NDArray[np.float64]]


class Groups:
    """Rows of one tag and one interval each: where each group begins, and its good values."""

    def __init__(self, rows: Rows, starts: NDArray[np.intp]) -> None:
        self.rows = rows
        self.starts = starts
        self.good = ~np.isnan(rows.value) & ~is_bad(rows.quality)
        self.counts = np.add.reduceat(self.good, starts, dtype=np.int64)

    def reduced(self, how: np.ufunc, empty: float) -> NDArray[np.float64]:
        """The good values of each group; NaN where there is none."""
        filled = np.where(self.good, self.rows.value, empty)
        return np.where(self.counts > 0, how.reduceat(filled, self.starts), np.nan)

    def picked(self, last: bool) -> NDArray[np.float64]:
        """The first or last good value of each group."""
        places = np.flatnonzero(self.good)
        group = np.searchsorted(self.starts, places, side="right") - 1
        result = np.full(len(self.starts), np.nan)
        order = slice(None) if last else slice(None, None, -1)
        result[group[order]] = self.rows.value[places[order]]
        return result


FUNCTIONS: dict[str, Reduction] = {
    "count": lambda g: g.counts.astype(np.float64),
    "min": lambda g: g.reduced(np.minimum, np.inf),
    "max": lambda g: g.reduced(np.maximum, -np.inf),
    "sum": lambda g: g.reduced(np.add, 0.0),
    "mean": lambda g: g.reduced(np.add, 0.0) / np.maximum(g.counts, 1),
    "first": lambda g: g.picked(last=False),
    "last": lambda g: g.picked(last=True),
    "range": lambda g: g.reduced(np.maximum, -np.inf) - g.reduced(np.minimum, np.inf),
    "bad": lambda g: np.add.reduceat(~g.good, g.starts, dtype=np.float64),
}
"""Over the good samples of an interval, each sample weighing the same; ``bad`` counts the rest."""


def aggregated(
    rows: Rows, paths: Sequence[str], start_us: int, step_us: int, functions: Sequence[str]
) -> pa.Table:
    """One row a tag and interval that has samples: tag, time (its start), one column a function.

    Intervals are [start + n step, start + (n + 1) step). Raises InputError for an unknown function.
    """
    unknown = [name for name in functions if name not in FUNCTIONS]
    if unknown:
        raise InputError(
            "aggregate-unknown",
            Text(f"There is no aggregate {unknown[0]!r}.", f"没有名为 {unknown[0]!r} 的聚合函数。"),
            Text(f"Take one of {', '.join(FUNCTIONS)}.", f"可用：{'、'.join(FUNCTIONS)}。"),
        )
    interval = (rows.time_us - start_us) // step_us
    new = (rows.tag[1:] != rows.tag[:-1]) | (interval[1:] != interval[:-1])
    starts = np.flatnonzero(np.append(len(rows) > 0, new)) if len(rows) else np.empty(0, np.intp)
    names = pa.array(paths, pa.string())
    columns = {
        "tag": pa.DictionaryArray.from_arrays(pa.array(rows.tag[starts]), names),
        "time": pa.array(start_us + interval[starts] * step_us).view(TIME_TYPE),
    }
    groups = Groups(rows, starts) if len(starts) else None
    for name in functions:
        result = FUNCTIONS[name](groups) if groups is not None else np.empty(0)
        columns[name] = pa.array(result, mask=np.isnan(result))
    return pa.table(columns)
