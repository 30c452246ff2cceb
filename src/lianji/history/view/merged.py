"""Merged: rows of several files laid together by tag and time, without sorting where need not be.

A file's rows of one tag lie together and are in order already, and files rarely hold the same
stretch of a tag twice. So it is the runs that are put in order, of which there are few, not the
rows; a sort of all rows is left for late data that lie between what an older file holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.history.rows import Rows, sorted_once

_LONG_RUN_ROWS = 256
"""Runs as long as this are copied one by one; shorter ones are cheaper gathered row by row."""


def merged(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts by tag and time, each key once; of equal keys that of the later part.

    In each part the rows of a tag lie together, by time, each key once.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return Rows.none()
    runs = _Runs.of(parts)
    order = np.lexsort((runs.first_us, runs.tag))
    if not runs.lie_apart(order):
        return sorted_once(Rows.concat(parts))
    if (order[1:] > order[:-1]).all():
        return Rows.concat(parts)
    if sum(map(len, parts)) > _LONG_RUN_ROWS * len(order):
        return _copied(parts, runs, order)
    return _gathered(parts, runs, order)


@dataclass(slots=True)
class _Runs:
    """Where the rows of one tag lie in one part, by columns."""

    part: NDArray[np.intp]
    begin: NDArray[np.intp]
    end: NDArray[np.intp]
    tag: NDArray[np.int32]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[Rows]) -> _Runs:
        begins = [np.append(0, np.flatnonzero(p.tag[1:] != p.tag[:-1]) + 1) for p in parts]
        both = list(zip(parts, begins, strict=True))
        ends = [np.append(begin[1:], len(part)) for part, begin in both]
        return cls(
            np.repeat(np.arange(len(parts)), [len(begin) for begin in begins]),
            np.concatenate(begins),
            np.concatenate(ends),
            np.concatenate([part.tag[begin] for part, begin in both]),
            np.concatenate([part.time_us[begin] for part, begin in both]),
            np.concatenate([p.time_us[end - 1] for p, end in zip(parts, ends, strict=True)]),
        )

    def lie_apart(self, order: NDArray[np.intp]) -> bool:
        """Does each run end before the next of its tag begins?"""
        tag, first_us, last_us = self.tag[order], self.first_us[order], self.last_us[order]
        return bool(((tag[1:] != tag[:-1]) | (last_us[:-1] < first_us[1:])).all())


def _copied(parts: Sequence[Rows], runs: _Runs, order: NDArray[np.intp]) -> Rows:
    cuts = [
        (parts[part], slice(begin, end))
        for part, begin, end in zip(
            runs.part[order].tolist(),
            runs.begin[order].tolist(),
            runs.end[order].tolist(),
            strict=True,
        )
    ]
    none = all(part.text.null_count == len(part) for part in parts)
    return Rows(
        np.concatenate([part.tag[cut] for part, cut in cuts]),
        np.concatenate([part.time_us[cut] for part, cut in cuts]),
        np.concatenate([part.value[cut] for part, cut in cuts]),
        np.concatenate([part.quality[cut] for part, cut in cuts]),
        pa.nulls(sum(map(len, parts)), pa.string())
        if none
        else pa.concat_arrays([part.text[cut] for part, cut in cuts]),
    )


def _gathered(parts: Sequence[Rows], runs: _Runs, order: NDArray[np.intp]) -> Rows:
    offsets = np.cumsum([0, *map(len, parts[:-1])])
    begin = (runs.begin + offsets[runs.part])[order]
    length = (runs.end - runs.begin)[order]
    laid = np.cumsum(length) - length
    places = np.repeat(begin - laid, length) + np.arange(int(length.sum()))
    return Rows.concat(parts).take(places)
