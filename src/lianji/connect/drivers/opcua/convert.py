"""DataValues of OPC UA -> columns. Source time and status are kept, never made up.

Numbers, booleans and status codes become ``value`` (scaled); strings, localized texts, times (ISO
8601), ids and byte strings (hex) become ``text``. What has no scalar meaning here (structures,
whole arrays) is BAD_DECODING_ERROR, never a guess.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from lianji.base.clock import to_us
from lianji.connect.driver import Columns
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.quality import Quality, is_bad

Floats = NDArray[np.float64]
OVERFLOW = 0x0480
"""InfoType DataValue and its overflow bit: a queue lost changes (OPC 10000-4, 7.39.1)."""


def to_columns(
    numbers: NDArray[np.int32], scale: Floats, offset: Floats, data: Sequence[Any], time_us: int
) -> Columns:
    """One row a DataValue, in their order.

    ``numbers``, ``scale`` and ``offset`` have one entry a row. ``time_us`` serves where neither
    source nor server give a time between 1900 and 2200.
    """
    rows = len(data)
    values = np.full(rows, np.nan)
    texts: list[str | None] | None = None
    quality = (status_codes(data) >> 16).astype(np.uint16)
    for row, item in enumerate(data):
        raw = item.Value.Value
        if type(raw) is float or type(raw) is int or type(raw) is bool:
            values[row] = raw
            continue
        number, text, trouble = _convert(raw)
        values[row] = number
        if text is not None:
            texts = [None] * rows if texts is None else texts
            texts[row] = text
        if trouble and not is_bad(int(quality[row])):
            quality[row] = trouble
    times_us = np.fromiter((_time_us(item, time_us) for item in data), np.int64, rows)
    return Columns(numbers, times_us, values * scale + offset, quality, texts)


def status_codes(data: Sequence[Any]) -> NDArray[np.uint32]:
    """The whole 32 bits of every status; Good where the server leaves it out."""
    codes = (0 if item.StatusCode is None else item.StatusCode.value for item in data)
    return np.fromiter(codes, np.uint32, len(data))


def _time_us(item: Any, otherwise_us: int) -> int:
    for moment in (item.SourceTimestamp, item.ServerTimestamp):
        if moment is not None:
            time_us = to_us(moment)
            if TIME_US_MIN <= time_us <= TIME_US_MAX:
                return time_us
    return otherwise_us


def _convert(raw: Any) -> tuple[float, str | None, int]:
    """Number, text, and the quality to give where there is neither."""
    if isinstance(raw, list | tuple):
        return _element(raw)
    if raw is None:
        return math.nan, None, Quality.BAD_NO_DATA
    if isinstance(raw, int | float):
        return float(raw), None, 0
    if isinstance(raw, ua.StatusCode):
        return float(raw.value), None, 0
    text = as_text(raw)
    return math.nan, text, Quality.BAD_DECODING_ERROR if text is None else 0


def _element(raw: Sequence[Any]) -> tuple[float, str | None, int]:
    """One element that was asked for comes as an array (or a matrix) of one."""
    while isinstance(raw, list | tuple) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, list | tuple):
        return math.nan, None, Quality.BAD_DECODING_ERROR
    return _convert(raw)


def as_text(raw: Any) -> str | None:
    """The text of a scalar that is not a number; None for what has no text."""
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, datetime):
        return raw.isoformat().replace("+00:00", "Z")
    if isinstance(raw, ua.LocalizedText):
        return raw.Text or ""
    if isinstance(raw, ua.QualifiedName):
        return raw.Name or ""
    if isinstance(raw, ua.NodeId):
        return raw.to_string()
    if isinstance(raw, uuid.UUID):
        return str(raw)
    if isinstance(raw, bytes):
        return raw.hex()
    return None
