"""Raw samples, in parts of an answer that nobody need hold as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from lianji.history.questions.pieces import Expected, Piece
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows

ROWS_A_PART = 500_000
"""About so many samples are in one part."""


def tables_of(
    signals: Signals, paths: Sequence[str], expected: Expected, bounds: bool
) -> Iterator[pa.Table]:
    """All samples of the range by tag and time, at least one part. Every part names the tags
    alike, so that they make one stream."""
    names = pa.array(paths, pa.string())
    if not paths:
        yield Rows.none().as_table(names)
    for piece in expected.pieces(ROWS_A_PART):
        some = paths[piece.low : piece.high]
        if bounds:
            rows = _with_bounds(signals, some, piece, expected)
        else:
            rows = signals.rows(some, piece.start_us, piece.end_us)
        rows.tag = rows.tag + np.int32(piece.low)
        yield rows.as_table(names)


def _with_bounds(signals: Signals, some: Sequence[str], piece: Piece, expected: Expected) -> Rows:
    """The piece's samples, and those around the range where it begins or ends with the range."""
    rows = signals.around(some, piece.start_us, piece.end_us)
    keep = np.ones(len(rows), dtype=bool)
    if piece.start_us > expected.start_us:
        keep &= rows.time_us >= piece.start_us
    if piece.end_us < expected.end_us:
        keep &= rows.time_us < piece.end_us
    return rows.take(keep)
