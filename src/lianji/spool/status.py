"""What a spool says of itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lianji.spool.quarantine import Quarantine
from lianji.spool.reader import Reader
from lianji.spool.record import Record
from lianji.spool.segment import scan_head

if TYPE_CHECKING:
    from lianji.spool.log import Log


MINUTES_TO_JUDGE = 10.0


@dataclass(slots=True)
class SpoolStatus:
    """Figures of one moment.

    ``hours_left``: until the cap, at the pace since the start; None in the first minutes.
    """

    bytes: int
    bytes_max: int
    segments: int
    durable: int
    full: str
    hours_left: float | None
    oldest_us: int | None
    lag: dict[str, int] = field(default_factory=dict)
    """Records that each reader has not committed yet."""
    gaps: int = 0
    quarantined: int = 0
    last_error: str | None = None


def status_of(log: Log, readers: list[Reader], quarantine: Quarantine) -> SpoolStatus:
    elapsed_h = (time.monotonic() - log.opened_s) / 3600
    used, rate = log.bytes, log.appended_bytes / elapsed_h if elapsed_h > 0 else 0.0
    left = log.settings.bytes_max - used
    return SpoolStatus(
        bytes=used,
        bytes_max=log.settings.bytes_max,
        segments=len(log.room.segments) + 1,
        durable=log.durable,
        full=log.settings.full.value,
        hours_left=left / rate if rate > 0 and elapsed_h * 60 > MINUTES_TO_JUDGE else None,
        oldest_us=_oldest_us(log),
        lag={reader.name: log.durable - reader.position for reader in readers},
        gaps=len(log.gaps),
        quarantined=len(quarantine.list()),
    )


def _oldest_us(log: Log) -> int | None:
    try:
        head = scan_head(log.first_segment())
    except FileNotFoundError:
        return None
    return next((r.start_us for r in head if isinstance(r, Record) and r.rows and r.start_us), None)
