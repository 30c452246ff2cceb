"""The part of a spool that a backup needs: the records behind what everybody has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lianji.spool.record import Kind, Record, scan
from lianji.spool.segment import HEAD_BYTES, SegmentFile


class Moved(Exception):
    """What was to be copied went on meanwhile: look again."""


class Hole(Moved):
    """The spool has nothing right behind a sequence that is needed from.

    Either its readers went on since they were asked, or the disk cap has taken it for good: the
    next look tells, for then the same sequence has the same hole.
    """

    def __init__(self, behind: int) -> None:
        super().__init__(f"nothing follows {behind}")
        self.behind = behind


def copy_segments(
    segments: Sequence[SegmentFile],
    behind: int,
    hole_behind: int | None,
    put: Callable[[Path, bytes], None],
) -> int:
    """Hand over the segments with records behind a sequence; the last sequence in them.

    ``segments`` are not empty. The newest is cut behind its last whole record, for more may just
    be written. Raises Moved if one went meanwhile, Hole unless the hole is known.
    """
    begun = [segment for segment in segments if segment.first <= behind + 1]
    if not begun and hole_behind != behind:
        raise Hole(behind)
    last = 0
    for segment in [*begun[-1:], *segments[len(begun) :]]:
        try:
            content = segment.path.read_bytes()
        except FileNotFoundError as error:
            raise Moved(f"{segment.path.name} went") from error
        if len(content) < HEAD_BYTES:
            break  # it was just made and holds nothing yet
        end, last = _end_of(content, segment.first)
        newest = segment.path == segments[-1].path
        put(segment.path, content[:end] if newest else content)
    return last


def _end_of(content: bytes, first: int) -> tuple[int, int]:
    """Where the last whole record ends, and its sequence."""
    end, last = HEAD_BYTES, first - 1
    for offset, item in scan(memoryview(content), HEAD_BYTES):
        if isinstance(item, Record):
            end = offset + len(item.raw)
            last = last if item.kind is Kind.TAGS else item.sequence
    return end, last
