"""The plot as the browser gets it: numbers in blocks that a Float64Array reads in place.

Layout, little-endian: the magic ``LJP1``; uint32 length of the header; the header, JSON padded
with spaces so that what follows begins at a multiple of 8; then for each tag its block: float64
times (ms since 1970), float64 values (NaN where there is none), uint16 qualities, padded to 8.
The header names each block's path, rows and byte offset. A point costs 18 bytes, in JSON 34.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.quality import is_good

Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint16]]

MAGIC = b"LJP1"
MEDIA_TYPE = "application/octet-stream"


def encode_plot(
    tags: Sequence[str],
    start_us: int,
    end_us: int,
    points: pa.Table,
    at_start: pa.Table,
    at_end: pa.Table | None = None,
) -> bytes:
    """All tags in the order asked for; a tag without points has a block of no rows.

    ``points`` is what ``plot`` gives, in time order a tag. ``at_start`` and ``at_end`` are what
    ``at`` gives for the edges, so that lines come in from the left and go out to the right also
    between two samples that lie outside.
    """
    blocks: list[bytes] = []
    entries: list[dict[str, object]] = []
    offset = 0
    for path in tags:
        inner = _columns(path, points)
        first = _first(_columns(path, at_start), inner)
        last = [] if at_end is None else _last(_columns(path, at_end), inner)
        block, rows = _block([*first, inner, *last])
        entries.append({"path": path, "rows": rows, "offset": offset})
        blocks.append(block)
        offset += len(block)
    header = {"start_us": start_us, "end_us": end_us, "tags": entries}
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 8) % 8)
    return b"".join([MAGIC, struct.pack("<I", len(text)), text, *blocks])


def _columns(path: str, table: pa.Table) -> Columns:
    """One tag's times in microseconds, values with NaN for null, qualities."""
    import pyarrow.compute as pc

    rows = table.filter(pc.equal(table["tag"].cast(pa.string()), path))
    times = rows["time"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    return (
        times.to_numpy(),
        rows["value"].cast(pa.float64()).to_numpy(),
        rows["quality"].cast(pa.uint16()).to_numpy(),
    )


def _first(edge: Columns, inner: Columns) -> list[Columns]:
    """The edge unless a sample of the plot stands there already."""
    there = len(inner[0]) > 0 and len(edge[0]) > 0 and inner[0][0] <= edge[0][0]
    return [] if there else [edge]


def _last(edge: Columns, inner: Columns) -> list[Columns]:
    """The edge if it is good and later than the plot: what is not known is not drawn."""
    known = len(edge[0]) > 0 and bool(is_good(edge[2][0]))
    return [edge] if known and (len(inner[0]) == 0 or inner[0][-1] < edge[0][0]) else []


def _block(parts: list[Columns]) -> tuple[bytes, int]:
    times, values, quality = (np.concatenate(column) for column in zip(*parts, strict=True))
    content = b"".join(
        [
            (times / 1000.0).astype("<f8").tobytes(),
            values.astype("<f8").tobytes(),
            quality.astype("<u2").tobytes(),
        ]
    )
    return content + b"\0" * (-len(content) % 8), len(times)
