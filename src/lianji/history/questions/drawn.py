"""What is drawn: few samples that make the same line as all of them would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lianji.history.questions.pieces import Expected
from lianji.history.questions.signals import Signals
from lianji.history.rollup.question import points_from_rollups
from lianji.history.rows import Rows
from lianji.history.view.merged import merged

Method = Literal["minmax", "lttb"]
POINTS_MIN = 3
"""Triangles need three corners."""


def drawn(
    signals: Signals, paths: Sequence[str], expected: Expected, pixels: int, method: Method
) -> Rows:
    """The samples to draw. A tag that does not fit into memory is thinned in parts, and what is
    left of it once more as a whole."""
    start_us, end_us = expected.start_us, expected.end_us
    if not len(signals.kinds(paths)[1]):
        rolled = points_from_rollups(signals.view, paths, start_us, end_us, pixels)
        if rolled is not None and method == "lttb":
            return largest_triangles(rolled, pixels)
        if rolled is not None:
            return thin_to_pixels(rolled, start_us, end_us, pixels)
    parts, is_cut = [], False
    for piece in expected.pieces():
        rows = signals.rows(paths[piece.low : piece.high], piece.start_us, piece.end_us)
        whole = (piece.start_us, piece.end_us) == (start_us, end_us)
        is_cut |= not whole
        if method == "lttb" and whole:
            rows = largest_triangles(rows, pixels)
        else:
            rows = thin_to_pixels(rows, start_us, end_us, pixels)
        rows.tag = rows.tag + np.int32(piece.low)
        parts.append(rows)
    rows = merged(parts)
    if is_cut and method == "lttb":
        return largest_triangles(rows, pixels)
    return thin_to_pixels(rows, start_us, end_us, pixels) if is_cut else rows


def thin_to_pixels(rows: Rows, start_us: int, end_us: int, pixels: int) -> Rows:
    """At most four samples a tag and pixel, so that the drawn line looks as if all were drawn.

    First, lowest, highest and last of each pixel (M4: Jugel et al., VLDB 2014), and of each
    pixel with samples without a value the first of those, so that a gap stays a gap. Thinning what
    was thinned in parts gives the same as thinning all at once.
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
    bucket = ordinal[places]
    return np.asarray(places[np.append(True, bucket[1:] != bucket[:-1])[: len(places)]])


def largest_triangles(rows: Rows, points: int) -> Rows:
    """Of each tag about so many samples, those that span the largest triangles (MinMaxLTTB: Van
    Der Donckt et al., IEEE VIS 2023).

    Between samples without a value a stretch is thinned by itself, and the first sample without
    one is kept, so that a gap stays a gap. Each stretch has its first and its last sample.
    """
    bounds = np.append(0, np.flatnonzero(rows.tag[1:] != rows.tag[:-1]) + 1)
    ends = np.append(bounds[1:], len(rows))
    keep = [
        begin + _of_tag(rows.time_us[begin:end], rows.value[begin:end], points)
        for begin, end in zip(bounds.tolist(), ends.tolist(), strict=True)
        if begin < end
    ]
    return rows.take(np.concatenate(keep)) if keep else rows


def _of_tag(
    time_us: NDArray[np.int64], value: NDArray[np.float64], points: int
) -> NDArray[np.intp]:
    missing = np.isnan(value)
    if len(value) <= max(points, POINTS_MIN):
        return np.arange(len(value))
    cuts = np.flatnonzero(missing[1:] != missing[:-1]) + 1
    keep = []
    for begin, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(value)], strict=True):
        if missing[begin]:
            keep.append(np.array([begin]))
        else:
            share = max(POINTS_MIN, points * (end - begin) // len(value))
            keep.append(begin + _of_stretch(time_us[begin:end], value[begin:end], share))
    return np.concatenate(keep)


def _of_stretch(
    time_us: NDArray[np.int64], value: NDArray[np.float64], points: int
) -> NDArray[np.intp]:
    if len(value) <= points:
        return np.arange(len(value))
    from tsdownsample import MinMaxLTTBDownsampler  # who draws otherwise need not carry it

    thinner = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]  # typed but for this
    places = thinner.downsample(time_us, np.ascontiguousarray(value), n_out=points)
    return np.asarray(places).astype(np.intp)
