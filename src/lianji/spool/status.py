"""What a spool says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lianji.spool.quarantine import Quarantine
from lianji.spool.reader import Holder
from lianji.spool.record import Record
from lianji.spool.segment import scan_head

if TYPE_CHECKING:
    from lianji.spool.log import Log


@dataclass(slots=True)
class SpoolStatus:
    """Figures of one moment.

    ``hours_left``: until the cap at the pace of the last minutes, if no reader took anything from
    now on; None in the first minutes and where nothing comes.
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


def status_of(log: Log, readers: list[Holder], quarantine: Quarantine) -> SpoolStatus:
    used, pace = log.bytes, log.pace.a_second
    left = log.settings.bytes_max - used + log.passed_bytes
    return SpoolStatus(
        bytes=used,
        bytes_max=log.settings.bytes_max,
        segments=len(log.room.segments) + 1,
        durable=log.durable,
        full=log.settings.full.value,
        hours_left=left / pace / 3600 if pace else None,
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
