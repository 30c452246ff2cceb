"""Pieces: a question cut by tags and time into parts that fit into memory, worked out in turn.

How many rows a tag has in a range nobody knows before the files are read, but the table's log says
how many rows each file has, of which tags and over what time. That is good enough to say beforehand
that a question is too large, and to cut the others into parts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.history.questions.signals import Signals
from lianji.history.view.view import View

ROWS_AT_ONCE = 8_000_000
"""About so many samples are held while a question is worked out; one takes about 30 bytes."""
ROWS_WORKED_MAX = 2_000_000_000
"""More than this is refused before anything is read: it would take most of an hour."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the paths asked for, ``low`` up to ``high``, and some of the time."""

    low: int
    high: int
    start_us: int
    end_us: int


class Expected:
    """About how many rows each path has in a range, by what the log says of the files."""

    def __init__(
        self,
        signals: Signals,
        known: Sequence[str],
        paths: Sequence[str],
        start_us: int,
        end_us: int,
    ) -> None:
        """``known`` are the paths of all stored tags, sorted."""
        self.start_us, self.end_us = start_us, end_us
        inputs = [signals.inputs(path) for path in paths]
        names = sorted({name for some in inputs for name in some})
        density = dict(
            zip(names, _densities(signals.view, known, names, start_us, end_us), strict=True)
        )
        self.rows = np.array([sum(density[name] for name in some) for some in inputs], np.float64)

    @property
    def total(self) -> int:
        return round(float(self.rows.sum()))

    def check(self, rows_max: int | None = None) -> None:
        """Raises InputError where there are far too many."""
        if self.total > (ROWS_WORKED_MAX if rows_max is None else rows_max):
            raise InputError(
                "question-too-large",
                Text(
                    f"About {self.total:,} samples would have to be read for this.",
                    f"此查询约需读取 {self.total:,} 个样本。",
                ),
                Text(
                    "Ask for fewer tags or a shorter time.",
                    "请减少标签数量或缩短时间范围。",
                ),
            )

    def pieces(self, rows_max: int | None = None, step_us: int = 1) -> Iterator[Piece]:
        """By tags, and the pieces of a tag by time; times are cut at multiples of a step."""
        rows_max = ROWS_AT_ONCE if rows_max is None else rows_max
        low, paths = 0, len(self.rows)
        upto = np.cumsum(self.rows)
        while low < paths:
            done = upto[low - 1] if low else 0.0
            fit = int(np.searchsorted(upto, done + rows_max, side="right"))
            high = min(max(fit, low + 1), paths)
            yield from self._in_time(low, high, float(upto[high - 1] - done), rows_max, step_us)
            low = high

    def _in_time(
        self, low: int, high: int, rows: float, rows_max: int, step_us: int
    ) -> Iterator[Piece]:
        span_us = self.end_us - self.start_us
        parts = max(1, -(-int(rows) // rows_max))
        width_us = -(-span_us // (parts * step_us)) * step_us
        for start_us in range(self.start_us, self.end_us, width_us):
            yield Piece(low, high, start_us, min(start_us + width_us, self.end_us))


def _densities(
    view: View, known: Sequence[str], names: Sequence[str], start_us: int, end_us: int
) -> NDArray[np.float64]:
    """Rows of each of these sorted names, if all tags of a file have as many and evenly in time."""
    change = np.zeros(len(names) + 1)
    for stored in view.between(start_us, end_us - 1, names):
        file = stored.file
        within_us = min(file.end_us, end_us - 1) - max(file.start_us, start_us) + 1
        part = within_us / (file.end_us - file.start_us + 1)
        tags = bisect_right(known, file.last_tag) - bisect_left(known, file.first_tag)
        each = file.rows * part / max(1, tags)
        change[bisect_left(names, file.first_tag)] += each
        change[bisect_right(names, file.last_tag)] -= each
    held = sum(len(batch) for batch in view.batches) / max(1, len(known))
    return np.maximum(np.cumsum(change)[:-1], 0) + held
