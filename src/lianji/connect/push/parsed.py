"""What a pushed body becomes: columns of samples whose tags are still paths.

Promises that nothing of a body vanishes: every line is either in the columns or counted (and,
up to ``REJECTED_LISTED_MAX``, listed with its reason).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

BODY_BYTES_MAX = 32 * 1024 * 1024
"""The largest body, after decompression. Clients split what is larger."""
REJECTED_LISTED_MAX = 1000
REJECTED_TEXT_MAX = 200

Precision = Literal["ns", "us", "ms", "s"]
_US: dict[Precision, int] = {"ns": 1, "us": 1, "ms": 1000, "s": 1_000_000}
"""Microseconds a step; nanoseconds are first made microseconds."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken: its number from 1, its text (cut), and why."""

    line: int
    text: str
    reason: Text


@dataclass(slots=True)
class Parsed:
    """Samples in the order of arrival, one row each, n rows.

    ``paths``: the distinct tag paths; ``path_index`` int32 (n,): which of them; ``times_us``
    int64 (n,): microseconds UTC since 1970, within 1900-2200; ``values`` float64 (n,), NaN where
    there is none; ``quality`` uint16 (n,); ``texts``: n strings or nulls, or None if there are
    only numbers. Arrays may be read-only views of the body. ``rejected_count`` counts all
    rejected lines, ``rejected`` lists the first of them, in line order.
    """

    paths: list[str]
    path_index: NDArray[np.int32]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint16]
    texts: pa.StringArray | None = None
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0

    def __len__(self) -> int:
        return len(self.path_index)


def check_body_size(body: bytes) -> None:
    """Raises InputError ``body-too-large`` above ``BODY_BYTES_MAX``."""
    if len(body) > BODY_BYTES_MAX:
        mib = BODY_BYTES_MAX >> 20
        raise InputError(
            "body-too-large",
            Text(
                f"The body has {len(body)} bytes; at most {mib} MiB are taken at once.",
                f"请求体为 {len(body)} 字节，一次最多接收 {mib} MiB。",
            ),
            Text("Send it in several smaller requests.", "请分成多个较小的请求发送。"),
        )


def time_to_us(raw: int, precision: Precision) -> int | None:
    """Microseconds (rounded down), or None outside 1900-2200."""
    time_us = raw // 1000 if precision == "ns" else raw * _US[precision]
    return time_us if TIME_US_MIN <= time_us <= TIME_US_MAX else None


def times_to_us(
    raw: NDArray[np.int64], precision: Precision
) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Microseconds (rounded down), and which of them lie outside 1900-2200 (None: not one).

    A time out of range is given as 0; there is no overflow whatever ``raw`` holds.
    """
    if not len(raw):
        return raw, None
    if precision == "ns":
        raw = raw // 1000
    scale = _US[precision]
    low, high = TIME_US_MIN // scale, TIME_US_MAX // scale
    if low <= int(raw.min()) and int(raw.max()) <= high:
        return raw if scale == 1 else raw * scale, None
    wrong = (raw < low) | (raw > high)
    return np.where(wrong, 0, raw) * scale, wrong
