"""Opening a spool that was left at any moment: cut the torn tail, find where to go on.

Only the last segment can have a torn tail. What is cut is set aside in the quarantine too, and told
as a gap: a flipped bit in the last record looks the same and must not pass silently.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from lianji.base.durable import sync_folder
from lianji.base.ids import new_id
from lianji.spool.quarantine import Quarantine
from lianji.spool.record import Damage, Kind, decode_tags
from lianji.spool.segment import (
    HEAD_BYTES,
    SUFFIX,
    SegmentWriter,
    list_segments,
    read_epoch,
    scan_file,
    write_head,
)


@dataclass(slots=True)
class Recovered:
    """Where the log goes on."""

    epoch: bytes
    active: SegmentWriter
    last: int
    damage: list[tuple[Path, Damage]] = field(default_factory=list)
    """Damage in the middle of the last segment; the records around it stay."""
    torn: Damage | None = None
    """The end of the last segment that was cut: it may have been a record with a yes."""


def recover(folder: Path, quarantine: Quarantine) -> Recovered:
    """Open the last segment of a folder, or make the first. Raises OSError."""
    segments = list_segments(folder)
    while segments and segments[-1].bytes < HEAD_BYTES:
        segments.pop().path.unlink()  # a crash while it was created: nothing was in it yet
        sync_folder(folder)
    if not segments:
        epoch = new_id()
        return Recovered(epoch, SegmentWriter(segment_path(folder, 1), epoch), 0)
    epochs = {segment.path: read_epoch(segment.path) for segment in segments}
    epoch = next((own for own in reversed(epochs.values()) if own), None) or new_id()
    for path in (path for path, own in epochs.items() if own is None):
        quarantine.set_aside(path, Damage(0, HEAD_BYTES), "checksum")
        _mend_head(path, epoch)
    return _take_up(segments[-1].path, epoch, quarantine)


def _mend_head(path: Path, epoch: bytes) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        write_head(handle, epoch)
    finally:
        os.close(handle)


def _take_up(path: Path, epoch: bytes, quarantine: Quarantine) -> Recovered:
    last, end = int(path.stem) - 1, HEAD_BYTES
    tags: set[int] = set()
    damage: list[Damage] = []
    for offset, item in scan_file(path):
        if isinstance(item, Damage):
            damage.append(item)
            continue
        end = offset + len(item.raw)
        if item.kind is Kind.TAGS:
            tags.update(decode_tags(item))
        else:
            last = item.sequence
    torn = damage.pop() if damage and damage[-1].offset >= end else None
    if torn is not None:
        quarantine.set_aside(path, torn, "torn tail")
    active = SegmentWriter(path, epoch, end)
    if path.stat().st_size > end:
        active.cut_back()
    active.define(sorted(tags))
    return Recovered(epoch, active, last, [(path, item) for item in damage], torn)


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"{first:020d}{SUFFIX}"
