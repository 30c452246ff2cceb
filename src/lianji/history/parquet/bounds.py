"""The statistics of a file's columns for its log entry, out of its own footer."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from lianji.base.clock import to_us
from lianji.history.delta.actions import stamp

TEXT_CHARACTERS_MAX = 64
_OWN = ("tag", "time")
"""These are known already."""


def bounds_of(metadata: pq.FileMetaData) -> str:
    """JSON of lowest and highest value and count of nulls of each column, but tag and time."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for place in range(metadata.num_columns):
        name = metadata.schema.column(place).name
        if name in _OWN:
            continue
        of_groups = [
            metadata.row_group(group).column(place).statistics
            for group in range(metadata.num_row_groups)
        ]
        nulls[name] = sum(one.null_count or 0 for one in of_groups)
        told = [one for one in of_groups if one.has_min_max]
        if told:
            low[name] = _plain(min(one.min for one in told))
            high[name] = _plain(max(one.max for one in told))
        if not told or low[name] is None or high[name] is None:
            low.pop(name, None)
            high.pop(name, None)
    return json.dumps(
        {"minValues": low, "maxValues": high, "nullCount": nulls}, separators=(",", ":")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(to_us(value))
    if isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
        return None
    return value
