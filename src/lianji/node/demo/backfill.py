"""A month of history for a plant that was started a minute ago."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.node.demo.faults import in_calendar
from lianji.node.demo.noise import Floats, Ints
from lianji.node.demo.physics import days_between, values_at
from lianji.node.demo.shift_calendar import DAY_US
from lianji.node.demo.signals import PATHS, SIGNALS


class Chunk(NamedTuple):
    """Samples of one local day, sorted by tag and then by time; equal columns of n rows.

    ``path_index`` says which of ``paths`` a row belongs to; ``values`` has NaN where there is no
    number; ``texts`` is an Arrow string array, null for numbers.
    """

    paths: tuple[str, ...]
    path_index: NDArray[np.int32]
    times_us: Ints
    values: Floats
    quality: NDArray[np.uint16]
    texts: pa.Array


def backfill(end_us: int, days: float = 30, step_s: float = 30.0) -> Iterator[Chunk]:
    """What the plant did in the ``days`` before ``end_us`` (exclusive), a chunk a local day.

    Samples lie on whole multiples of ``step_s``, so that a second back-fill meets the first's.
    Raises InputError if the plant was not founded yet.
    """
    step_us = int(step_s * 1e6)
    start_us = -(-(end_us - int(days * DAY_US)) // step_us) * step_us
    for times in days_between(start_us, end_us, step_us):
        yield _chunk(times)


def _chunk(times_us: Ints) -> Chunk:
    rows = len(times_us)
    found = values_at(times_us)
    values = np.full((len(SIGNALS), rows), np.nan)
    quality = np.zeros((len(SIGNALS), rows), dtype=np.uint16)
    texts: list[pa.Array] = []
    silent = 0
    faults = list(in_calendar(times_us))
    for row, signal in enumerate(SIGNALS):
        if signal.is_text:
            texts += [_nulls(silent), pa.array(found[signal.path], pa.string())]
            silent = 0
        else:
            values[row] = found[signal.path]
            silent += rows
        for fault in faults:
            if signal.key.startswith(fault.prefix):
                values[row, fault.rows] = np.nan
                quality[row, fault.rows] = fault.quality
    texts.append(_nulls(silent))
    return Chunk(
        PATHS,
        np.repeat(np.arange(len(SIGNALS), dtype=np.int32), rows),
        np.tile(times_us, len(SIGNALS)),
        values.reshape(-1),
        quality.reshape(-1),
        pa.concat_arrays(texts),
    )


def _nulls(rows: int) -> pa.Array:
    return pa.nulls(rows, pa.string())
