"""Columns of samples, joined and made without a Python object a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.connect.driver import Columns, Settled


def join(parts: Sequence[Columns]) -> Columns:
    """All rows of several columns, in their order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return without_value(np.empty(0, np.int32), np.empty(0, np.uint16), 0)
    return Columns(
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.times_us for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.quality for part in parts]),
        _join_texts(parts),
        _join_settled(parts),
    )


def _join_settled(parts: Sequence[Columns]) -> Settled | None:
    waiting = [part.settled for part in parts if part.settled is not None]
    if not waiting:
        return None

    def settled(stored: bool) -> None:
        for one in waiting:
            one(stored)

    return settled


def _join_texts(parts: Sequence[Columns]) -> list[str | None] | None:
    if all(part.texts is None for part in parts):
        return None
    texts: list[str | None] = []
    for part in parts:
        texts += [None] * len(part) if part.texts is None else part.texts
    return texts


def take(columns: Columns, rows: NDArray[np.intp]) -> Columns:
    """Some rows, in the order of ``rows``; nobody is told when they are settled."""
    texts = columns.texts
    return Columns(
        columns.numbers[rows],
        columns.times_us[rows],
        columns.values[rows],
        columns.quality[rows],
        None if texts is None else [texts[row] for row in rows.tolist()],
    )


def without_value(
    numbers: NDArray[np.int32], quality: NDArray[np.uint16] | int, time_us: int
) -> Columns:
    """One row a point that says only why there is no value."""
    rows = len(numbers)
    return Columns(
        numbers,
        np.full(rows, time_us, np.int64),
        np.full(rows, np.nan),
        np.full(rows, quality, np.uint16) if isinstance(quality, int) else quality,
    )
