"""Thinning: half the samples for twice the time, when the disk is full and the line is down.

Of every tag every second sample stays, and every one whose quality differs from the one before:
an outage must not vanish because the disk was small.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import Batch

LEVEL_MAX = 4
"""After four thinnings a sixteenth is left; then the oldest segment goes as a whole."""


def rows_to_keep(tags: NDArray[np.int32], quality: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Which rows stay, for rows in order of arrival. Arrays of shape (n,)."""
    rows = len(tags)
    order = np.argsort(tags, kind="stable")
    sorted_tags, sorted_quality = tags[order], quality[order]
    first = np.ones(rows, dtype=bool)
    first[1:] = sorted_tags[1:] != sorted_tags[:-1]
    starts = np.maximum.accumulate(np.where(first, np.arange(rows), 0))
    even = (np.arange(rows) - starts) % 2 == 0
    changed = np.zeros(rows, dtype=bool)
    changed[1:] = (sorted_quality[1:] != sorted_quality[:-1]) & ~first[1:]
    keep = np.empty(rows, dtype=bool)
    keep[order] = even | changed
    return keep


def thinned(batches: list[Batch]) -> list[Batch]:
    """The same batches, but for their rows, in the same order; a batch may become empty."""
    tags = np.concatenate([batch.tags for batch in batches])
    quality = np.concatenate([batch.samples.column(4).to_numpy() for batch in batches])
    keep = rows_to_keep(tags, quality)
    result, start = [], 0
    for batch in batches:
        mask = pa.array(keep[start : start + len(batch)])
        start += len(batch)
        result.append(replace(batch, samples=batch.samples.filter(mask)))
    return result
