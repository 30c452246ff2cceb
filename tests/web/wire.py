"""Reads the binary plot as the browser does, byte for byte by the layout in ``plot_wire``."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Line:
    times_ms: NDArray[np.float64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint16]


def decode_plot(content: bytes) -> tuple[dict[str, int], dict[str, Line]]:
    """The header's range, and a line a path. Asserts the layout's promises."""
    assert content[:4] == b"LJP1"
    (length,) = struct.unpack_from("<I", content, 4)
    assert (8 + length) % 8 == 0
    header = json.loads(content[8 : 8 + length])
    lines = {}
    for entry in header.pop("tags"):
        rows, start = entry["rows"], 8 + length + entry["offset"]
        assert start % 8 == 0
        lines[entry["path"]] = Line(
            np.frombuffer(content, "<f8", rows, start),
            np.frombuffer(content, "<f8", rows, start + 8 * rows),
            np.frombuffer(content, "<u2", rows, start + 16 * rows),
        )
    return header, lines
