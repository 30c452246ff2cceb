"""Local time to UTC, whole columns at a time, with the hours that are twice or never there.

The offsets are those of the IANA database (as ``zoneinfo`` reads it); their changes are searched
for once a year and zone, then every column is two binary searches.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from lianji.connect.files.pieces import refuse

SECOND_US = 1_000_000
_DAY_S = 86_400


def zone_named(name: str) -> ZoneInfo:
    """The zone. Raises InputError for a name that the database does not have."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refuse(
            "zone",
            f"There is no time zone '{name}'.",
            f"没有名为“{name}”的时区。",
            "Use an IANA name such as Asia/Shanghai or Europe/Berlin, or UTC.",
            "请使用 IANA 时区名，例如 Asia/Shanghai，或 UTC。",
        ) from error


def to_utc(
    local_us: NDArray[np.int64], zone: ZoneInfo, later: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """UTC, where the local time was there twice, and where it never was.

    All of length n; microseconds since 1970. Of two moments the earlier is given, or the later.
    """
    none = np.zeros(len(local_us), dtype=bool)
    if not len(local_us):
        return local_us, none, none
    changes, offsets = _changes(zone, _year(int(local_us.min())), _year(int(local_us.max())))
    old, new = offsets[:-1], offsets[1:]
    begun = np.searchsorted((changes + np.minimum(old, new)) * SECOND_US, local_us, "right")
    ended = np.searchsorted((changes + np.maximum(old, new)) * SECOND_US, local_us, "right")
    open_ = begun != ended
    back = np.append(new < old, False)[ended]
    use = np.where(open_ & later, begun, ended)
    return local_us - offsets[use] * SECOND_US, open_ & back, open_ & ~back


def _year(time_us: int) -> int:
    return int(np.datetime64(time_us, "us").astype("datetime64[Y]").astype(int)) + 1970


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Moments (s, UTC) at which the offset changes, and the offsets (s) before, between, after."""
    start = int(datetime(first, 1, 1, tzinfo=UTC).timestamp()) - 2 * _DAY_S
    end = int(datetime(last + 1, 1, 1, tzinfo=UTC).timestamp()) + 2 * _DAY_S
    changes: list[int] = []
    offsets = [_offset(zone, start)]
    for day in range(start, end, _DAY_S):
        after = _offset(zone, day + _DAY_S)
        if after != offsets[-1]:
            changes.append(_moment_of_change(zone, day, day + _DAY_S))
            offsets.append(after)
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset(zone: ZoneInfo, time_s: int) -> int:
    offset = datetime.fromtimestamp(time_s, zone).utcoffset()
    assert offset is not None
    return offset.days * _DAY_S + offset.seconds


def _moment_of_change(zone: ZoneInfo, low: int, high: int) -> int:
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high
