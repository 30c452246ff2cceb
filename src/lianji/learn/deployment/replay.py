"""A model over stored history in order of time, as it would have run: outputs, figures, alarms.

The same rows, correction, interval and watch as ``running`` uses. A label counts from its time plus
``label_delay_s`` on, so nothing is known before it could have been. Where no output has labels, all
of it is one matrix; else the graph runs over all rows at once and only what labels teach is
followed step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.dictionary.quality import Quality
from lianji.learn.deployment.source import Heard, Samples, series_of
from lianji.learn.deployment.tracking import Tracker
from lianji.learn.deployment.watching import Alarm, Watch
from lianji.learn.deployment.windows import US, Series, column, stale_us
from lianji.learn.models.card import Card, Input, Output
from lianji.learn.models.inference import Model

ROWS_AT_ONCE = 8192
ROWS_MAX = 5_000_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one output against its labels, on rows that have one. None where there are too few."""

    output: str
    labels: int
    mae: float | None
    r2: float | None
    mae_raw: float | None
    """Without bias correction."""
    r2_raw: float | None
    coverage: float | None
    """Share of labels within the interval that was given out before they came."""
    half_width: float | None
    """The median."""


@dataclass(slots=True)
class Replayed:
    """``outputs``: time, output, value, low, high, raw, label, quality; a row a run and output."""

    outputs: pa.Table
    figures: list[Figures]
    alarms: list[Alarm]
    runs: int
    outside: int
    missing: int
    gated: int


@dataclass(slots=True)
class _Rows:
    """What goes in at each tick."""

    ticks: NDArray[np.int64]
    row: Floats
    missing: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    open: NDArray[np.bool_]
    raw: Floats = field(default_factory=lambda: np.empty((0, 0)))


def replay(
    card: Card,
    model: Model,
    samples: Samples,
    start_us: int,
    end_us: int,
    heard: Heard = lambda path: True,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Replayed:
    """From ``start_us`` to before ``end_us``. Raises InputError, NotFound, StorageError."""
    ticks = _ticks(card, start_us, end_us)
    tags = _tags(card)
    before = int(max(one.window_s + one.lag_s for one in card.inputs) * US) + stale_us(
        card.period_s
    )
    series = series_of(samples, heard, tags, start_us - before, end_us)
    rows = _rows(card, series, ticks)
    rows.raw = _raw(model, card, rows, progress)
    watch = Watch(card.drift)
    alarms: list[Alarm] = []
    ran = ~rows.missing & rows.open
    parts, figures = [], []
    for number, output in enumerate(card.outputs):
        label = series[output.label] if output.label else None
        followed = _follow(card, output, rows, ran, number, label, watch if number == 0 else None)
        alarms += followed.alarms
        truth = _truths(ticks, label, int(card.period_s * US))
        parts.append(_table(output, rows, ran, number, followed, truth))
        figures.append(_figures(output, rows.raw[:, number], followed, truth))
    return Replayed(
        pa.concat_tables(parts), figures, sorted(alarms, key=lambda one: one.time_us), len(ticks),
        int(np.sum(rows.outside & ran)), int(rows.missing.sum()), int(np.sum(~rows.open)),
    )  # fmt: skip


@dataclass(slots=True)
class _Followed:
    value: Floats
    half: Floats
    alarms: list[Alarm]


def _follow(
    card: Card,
    output: Output,
    rows: _Rows,
    ran: NDArray[np.bool_],
    number: int,
    label: Series | None,
    watch: Watch | None,
) -> _Followed:
    """Outputs in order of time; labels are taken as soon as they could have been known."""
    raw = np.where(ran, rows.raw[:, number], np.nan)
    own = np.nan if output.half_width is None else output.half_width
    watch = watch or Watch(card.drift)
    if label is None:
        alarms: list[Alarm] = []
        for tick, outside in zip(rows.ticks[ran].tolist(), rows.outside[ran].tolist(), strict=True):
            watch.run(outside)
            alarms += watch.look(tick, False)
        return _Followed(raw, np.full(len(raw), own), alarms)
    tracker = Tracker(card, output)
    value, half = raw.copy(), np.full(len(raw), own)
    found: list[Alarm] = []
    known = label.times_us + int(output.label_delay_s * US)
    times, truths, at = label.times_us.tolist(), label.values.tolist(), 0
    arrivals = np.searchsorted(known, rows.ticks, side="right").tolist()
    for place, tick in enumerate(rows.ticks.tolist()):
        before = tracker.labels
        while at < arrivals[place]:
            residuals = tracker.label(times[at], truths[at])
            at += 1
            if residuals is not None:
                watch.label(*residuals)
        if ran[place]:
            row = rows.row[place]
            value[place] = tracker.corrected(row, float(raw[place]))
            tracker.remember(tick, row, float(raw[place]), float(value[place]))
            half[place] = own if tracker.half is None else tracker.half
            watch.run(bool(rows.outside[place]))
        found += watch.look(tick, tracker.labels > before)
    return _Followed(value, half, found)


def _rows(card: Card, series: Mapping[str, Series], ticks: NDArray[np.int64]) -> _Rows:
    stale = stale_us(card.period_s)
    row = np.column_stack([column(series[one.tag], one, ticks, stale) for one in card.inputs])
    low = np.array([one.low for one in card.inputs])
    high = np.array([one.high for one in card.inputs])
    required = np.array([one.required for one in card.inputs])
    is_open = np.ones(len(ticks), bool)
    for gate in card.gate:
        state = column(series[gate.tag], _plain(gate.tag), ticks, stale)
        is_open &= np.isfinite(state)
        if gate.low is not None:
            is_open &= ~(state < gate.low)
        if gate.high is not None:
            is_open &= ~(state > gate.high)
    missing = np.any(~np.isfinite(row) & required, axis=1)
    return _Rows(ticks, row, missing, np.any((row < low) | (row > high), axis=1), is_open)


def _plain(tag: str) -> Input:
    return Input(name="gate", tag=tag, low=0, high=0)


def _raw(
    model: Model, card: Card, rows: _Rows, progress: Callable[[int, int], None]
) -> Floats:  # fmt: skip
    found = np.full((len(rows.ticks), len(card.outputs)), np.nan)
    wanted = np.flatnonzero(~rows.missing & rows.open)
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        places = wanted[start : start + ROWS_AT_ONCE]
        found[places] = model.run(np.ascontiguousarray(rows.row[places], np.float32))
        progress(min(start + ROWS_AT_ONCE, len(wanted)), len(wanted))
    return found


def _truths(ticks: NDArray[np.int64], label: Series | None, period_us: int) -> Floats:
    """The label whose output each tick is, or NaN."""
    found = np.full(len(ticks), np.nan)
    if label is None or not len(ticks):
        return found
    place = np.searchsorted(ticks, label.times_us, side="right") - 1
    near = (place >= 0) & (label.times_us - ticks[np.maximum(place, 0)] < period_us)
    found[place[near]] = label.values[near]
    return found


def _table(
    output: Output, rows: _Rows, ran: NDArray[np.bool_], number: int, followed: _Followed,
    truth: Floats,
) -> pa.Table:  # fmt: skip
    low = -np.inf if output.low is None else output.low
    high = np.inf if output.high is None else output.high
    within = (followed.value >= low) & (followed.value <= high)
    quality = np.where(rows.outside, int(Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED), 0)
    quality = np.where(within, quality, int(Quality.BAD_OUT_OF_RANGE))
    quality = np.where(ran, quality, int(Quality.BAD_NO_DATA)).astype(np.uint16)
    value = np.where(within, followed.value, np.nan)
    columns = {
        "time": pa.array(rows.ticks, pa.timestamp("us", "UTC")),
        "output": pa.array([output.name] * len(value)),
        "value": value,
        "low": np.maximum(low, value - followed.half),
        "high": np.minimum(high, value + followed.half),
        "raw": rows.raw[:, number],
        "label": truth,
        "quality": quality,
    }
    return pa.table(columns).filter(pa.array(rows.open))


def _figures(output: Output, raw: Floats, followed: _Followed, truth: Floats) -> Figures:
    there = np.isfinite(truth) & np.isfinite(followed.value)
    y, value, half = truth[there], followed.value[there], followed.half[there]
    if len(y) < 2:
        return Figures(output.name, len(y), None, None, None, None, None, None)
    has_width = output.half_width is not None
    return Figures(
        output.name,
        len(y),
        float(np.mean(np.abs(y - value))),
        _r2(y, value),
        float(np.mean(np.abs(y - raw[there]))),
        _r2(y, raw[there]),
        float(np.mean(np.abs(y - value) <= half)) if has_width else None,
        float(np.median(half)) if has_width else None,
    )


def _r2(truth: Floats, value: Floats) -> float | None:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((truth - value) ** 2)) / spread if spread else None


def _tags(card: Card) -> list[str]:
    labels = [one.label for one in card.outputs if one.label]
    gates = [one.tag for one in card.gate]
    return [*dict.fromkeys([*(one.tag for one in card.inputs), *gates, *labels])]


def _ticks(card: Card, start_us: int, end_us: int) -> NDArray[np.int64]:
    period = int(card.period_s * US)
    first = -(-start_us // period) * period
    if first >= end_us:
        raise InputError(
            "replay-empty",
            Text("There is no run in this range.", "该时间范围内没有任何运行。"),
            Text("Give a longer one.", "请给出更长的范围。"),
        )
    if (end_us - first) // period >= ROWS_MAX:
        raise InputError(
            "replay-long",
            Text(f"More than {ROWS_MAX:,} runs.", f"超过 {ROWS_MAX:,} 次运行。"),
            Text("Give a shorter range.", "请给出更短的范围。"),
        )
    return np.arange(first, end_us, period, dtype=np.int64)
