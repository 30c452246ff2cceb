"""What held at one instant: samples themselves, on the slope between two, or the last one held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.quality import Quality, is_bad
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows
from lianji.history.view.merged import merged


def held_at(signals: Signals, paths: Sequence[str], time_us: int) -> Rows:
    """One row a path that has a value then; calculated tags are worked out for the instant."""
    stored, worked_out = signals.kinds(paths)
    some = [paths[place] for place in stored.tolist()]
    linear = signals.linear(some)
    before = signals.view.before(some, time_us)
    # only a slope that is not just at a sample needs to know where it leads
    sloped = linear.copy()
    sloped[before.tag[before.time_us == time_us]] = False
    places = np.flatnonzero(sloped)
    after = signals.view.after([some[place] for place in places.tolist()], time_us)
    after.tag = places[after.tag].astype(np.int32)
    rows = at_instant(before, after, time_us, linear)
    rows.tag = stored[rows.tag].astype(np.int32)
    parts = [rows]
    for place in worked_out.tolist():
        part = signals.calculated_at(paths[place], time_us)
        part.tag = np.full(len(part), place, np.int32)
        parts.append(part)
    return merged(parts)


def at_instant(before: Rows, after: Rows, time_us: int, linear: NDArray[np.bool_]) -> Rows:
    """The value of each tag at one instant, from its samples on both sides.

    ``linear`` (by tag code) says which tags move in a slope between two samples; the others, and
    those without two good numbers around the instant, hold their last value (OPC 10000-13,
    section 4.2.1.4). A slope tag's last value held beyond its last sample is uncertain.
    """
    value, quality = before.value.copy(), before.quality.copy()
    moving = linear[before.tag] & (before.time_us != time_us) & ~is_bad(before.quality)
    row = np.flatnonzero(moving)
    following = np.full(len(linear), -1)
    following[after.tag] = np.arange(len(after))
    other = following[before.tag[row]]
    leads_on = other >= 0
    leads_on[leads_on] = (~is_bad(after.quality) & np.isfinite(after.value))[other[leads_on]]
    ended = row[~leads_on]
    quality[ended] = np.maximum(quality[ended], Quality.UNCERTAIN_LAST_USABLE_VALUE)
    row, other = row[leads_on], other[leads_on]
    span_us = after.time_us[other] - before.time_us[row]
    share = (time_us - before.time_us[row]) / span_us
    with np.errstate(over="ignore", invalid="ignore"):
        value[row] += share * (after.value[other] - value[row])
    quality[row] = np.maximum(quality[row], after.quality[other])
    times = np.full(len(before), time_us, np.int64)
    return Rows(before.tag, times, value, quality, before.text)
