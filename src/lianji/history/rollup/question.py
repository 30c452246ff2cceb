"""Questions that rollups answer: aggregates over whole minutes or hours, and long charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.result import Result
from lianji.history.rollup.answers import answered, can_answer, unasked
from lianji.history.rollup.buckets import NO_TIME, Buckets
from lianji.history.rollup.columns import AREAS, SUMS
from lianji.history.rollup.stored import bucketed
from lianji.history.rows import Rows, sorted_once
from lianji.history.view.merged import merged
from lianji.history.view.view import View

MARGIN_BUCKETS = 2
"""So many buckets beside the grid are read with it: nearly always the neighbours are in there."""
BUCKETS_A_PIXEL = 2
"""A pixel of a chart must be so many buckets wide, or the samples are drawn."""


def aggregates_from_rollups(
    view: View,
    paths: Sequence[str],
    stepped: NDArray[np.bool_],
    grid: Grid,
    names: Sequence[str],
) -> dict[str, Result] | None:
    """Values (no statuses) by the standard's default rules; None where samples must be read."""
    if grid.is_cut or not can_answer(names):
        return None
    for rolled in sorted(view.rollups, key=lambda one: -one.width_us):
        if grid.start_us % rolled.width_us or grid.step_us % rolled.width_us:
            continue
        margin_us = MARGIN_BUCKETS * rolled.width_us
        low, high = grid.start_us - margin_us, grid.end_us + margin_us
        found = bucketed(view, rolled, paths, low, high, unasked(names))
        if found is not None:
            inside = (found.time_us >= grid.start_us) & (found.time_us < grid.end_us)
            beyond = _beyond(view, paths, grid, found.take(~inside))
            return answered(found.take(inside), beyond, stepped, grid, names)
    return None


def _beyond(view: View, paths: Sequence[str], grid: Grid, outside: Buckets) -> Rows:
    """Of each tag the nearest sample before the grid, and at or behind its end."""
    early, late = outside.time_us < grid.start_us, outside.time_us >= grid.end_us
    before, after = _lasts(outside.take(early)), _firsts(outside.take(late))
    parts = [before, after]
    missing = _without(paths, before)
    if len(missing):
        rows = view.before([paths[place] for place in missing.tolist()], grid.start_us - 1)
        rows.tag = missing[rows.tag]
        parts.append(rows)
    missing = _without(paths, after)
    if len(missing):
        rows = view.after([paths[place] for place in missing.tolist()], grid.end_us - 1)
        rows.tag = missing[rows.tag]
        parts.append(rows)
    return Rows.concat(parts)


def _without(paths: Sequence[str], rows: Rows) -> NDArray[np.int32]:
    known = np.zeros(len(paths), dtype=bool)
    known[rows.tag] = True
    return np.flatnonzero(~known).astype(np.int32)


def _lasts(buckets: Buckets) -> Rows:
    end = np.append(buckets.tag[1:] != buckets.tag[:-1], len(buckets) > 0)[: len(buckets)]
    b = buckets.take(end)
    return _rows(b.tag, b.last_us, b.last, b.last_quality)


def _firsts(buckets: Buckets) -> Rows:
    begin = np.append(len(buckets) > 0, buckets.tag[1:] != buckets.tag[:-1])[: len(buckets)]
    b = buckets.take(begin)
    return _rows(b.tag, b.first_us, b.first, b.first_quality)


def _rows(
    tag: NDArray[np.int32],
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    quality: NDArray[np.uint16],
) -> Rows:
    return Rows(tag, time_us, value, quality, pa.nulls(len(tag), pa.string()))


def points_from_rollups(
    view: View, paths: Sequence[str], start_us: int, end_us: int, pixels: int
) -> Rows | None:
    """Samples that draw as all of them do: the first, lowest, highest, last and first missing one
    of each bucket; None where the samples themselves must be read.

    Each is a real sample at its own time, so no peak is lost or moved.
    """
    pixel_us = (end_us - start_us) // pixels
    for rolled in sorted(view.rollups, key=lambda one: -one.width_us):
        width_us = rolled.width_us
        if pixel_us < BUCKETS_A_PIXEL * width_us:
            continue
        low, high = -(-start_us // width_us) * width_us, end_us // width_us * width_us
        if low >= high:
            continue
        found = bucketed(view, rolled, paths, low, high, SUMS | AREAS)
        if found is not None:
            ends = [view.rows(paths, start_us, low)] if start_us < low else []
            ends += [view.rows(paths, high, end_us)] if high < end_us else []
            return merged([*ends, _drawn(found)])
    return None


def _drawn(b: Buckets) -> Rows:
    good = np.zeros(len(b), np.uint16)
    lowest, highest = b.min_us != NO_TIME, b.max_us != NO_TIME
    missing = b.missing_us != NO_TIME
    worst = np.maximum(np.maximum(b.first_quality, b.last_quality), np.uint16(0x8000))
    points = Rows.concat(
        [
            _rows(b.tag[missing], b.missing_us[missing], np.full(missing.sum(), np.nan),
                  worst[missing]),
            _rows(b.tag[lowest], b.min_us[lowest], b.min[lowest], good[lowest]),
            _rows(b.tag[highest], b.max_us[highest], b.max[highest], good[highest]),
            _rows(b.tag, b.first_us, b.first, b.first_quality),
            _rows(b.tag, b.last_us, b.last, b.last_quality),
        ]
    )  # fmt: skip
    return sorted_once(points)
