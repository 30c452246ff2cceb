"""Time, in one place: wall time for stamps, monotonic time for everything that waits.

Wall time may be set back at any moment, so nothing is ever scheduled or measured with it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """Wall time in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def monotonic_s() -> float:
    return time.monotonic()


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return (moment - EPOCH) // timedelta(microseconds=1)


def iso_of(time_us: int) -> str:
    """Such as 2026-11-20T08:00:00.000000Z."""
    return from_us(time_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_us(time_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=time_us)
