"""Opening a spool that was left at any moment: cut the torn tail, find where to go on.

Only the last segment can have a torn tail. What is cut is set aside in the quarantine too, for a
flipped bit in the last record looks the same and must not pass silently.
"""

from __future__ import annotations

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
)


@dataclass(slots=True)
class Recovered:
    """Where the log goes on."""

    epoch: bytes
    active: SegmentWriter
    last: int
    damage: list[tuple[Path, Damage]] = field(default_factory=list)
    """Damage in the middle of the last segment; the records around it stay."""


def recover(folder: Path, quarantine: Quarantine) -> Recovered:
    """Open the last segment of a folder, or make the first. Raises OSError."""
    segments = list_segments(folder)
    while segments and segments[-1].bytes < HEAD_BYTES:
        segments.pop().path.unlink()  # a crash while it was created: nothing was in it yet
        sync_folder(folder)
    if not segments:
        epoch = new_id()
        return Recovered(epoch, SegmentWriter(segment_path(folder, 1), epoch), 0)
    epoch = next((e for s in reversed(segments) if (e := read_epoch(s.path))), None) or new_id()
    return _take_up(folder, segments[-1].path, epoch, quarantine)


def _take_up(folder: Path, path: Path, epoch: bytes, quarantine: Quarantine) -> Recovered:
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
    if damage and damage[-1].offset >= end:
        quarantine.set_aside(path, damage.pop(), "torn tail")
    active = SegmentWriter(path, epoch, end)
    if path.stat().st_size > end:
        active.cut_back()
    active.define(sorted(tags))
    return Recovered(epoch, active, last, [(path, item) for item in damage])


def segment_path(folder: Path, first: int) -> Path:
    return folder / f"{first:020d}{SUFFIX}"
