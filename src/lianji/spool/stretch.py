"""A stretch of the log: the records behind a sequence, as they lie in the files.

Where a record lies is remembered every quarter of a mebibyte, so that whoever reads a stretch does
not go through its segment from the head. It is a hint only: a segment that was thinned meanwhile
no longer has that record there, and is then read from its head.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path

from lianji.spool.record import Damage, Kind, Record
from lianji.spool.segment import HEAD_BYTES, SegmentFile, list_segments, scan_file

HINT_EVERY_BYTES = 256 * 1024


class Hints:
    """Where some records begin, by segment. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sequences: dict[Path, list[int]] = {}
        self._offsets: dict[Path, list[int]] = {}

    def note(self, path: Path, sequence: int, offset: int) -> None:
        with self._lock:
            sequences = self._sequences.setdefault(path, [])
            offsets = self._offsets.setdefault(path, [])
            at = bisect_right(sequences, sequence)
            before = offsets[at - 1] if at else HEAD_BYTES
            after = offsets[at] if at < len(offsets) else None
            if offset - before >= HINT_EVERY_BYTES and (after is None or offset < after):
                sequences.insert(at, sequence)
                offsets.insert(at, offset)

    def before(self, path: Path, sequence: int) -> tuple[int, int] | None:
        """The last noted record up to this sequence: its own, and its offset."""
        with self._lock:
            sequences = self._sequences.get(path, [])
            at = bisect_right(sequences, sequence)
            return (sequences[at - 1], self._offsets[path][at - 1]) if at else None

    def forget(self, path: Path) -> None:
        with self._lock:
            self._sequences.pop(path, None)
            self._offsets.pop(path, None)

    def keep(self, paths: set[Path]) -> None:
        """Forget all segments but these."""
        for path in [path for path in list(self._sequences) if path not in paths]:
            self.forget(path)


class Stretches:
    """Reads stretches of a spool's folder. Safe for many threads."""

    def __init__(
        self,
        folder: Path,
        readable_bytes: Callable[[Path], int | None],
        damaged: Callable[[Path, Damage], None],
    ) -> None:
        """``readable_bytes``: how much of a segment is durable, None for all of it. ``damaged`` is
        told of bytes that are no record, and of an end that is missing (of length 0)."""
        self._folder = folder
        self._readable_bytes = readable_bytes
        self._damaged = damaged
        self._hints = Hints()

    def after(self, sequence: int, last: int) -> Iterator[Record]:
        """The batches and gaps behind a sequence, up to ``last``. What was dropped meanwhile is
        left out; its gap record tells. Raises StorageError."""
        segments = self._segments_from(sequence + 1)
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            damaged = False
            try:
                for item in self._of(segment.path, sequence, last):
                    if isinstance(item, Damage):
                        damaged = True
                        self._damaged(segment.path, item)
                        continue
                    sequence = item.sequence
                    yield item
                if following is None or following.first > last + 1:
                    return
                if sequence + 1 < following.first and not damaged:
                    # its last records are gone without a trace
                    self._damaged(segment.path, Damage(segment.path.stat().st_size, 0))
            except FileNotFoundError:
                continue

    def take(self, sequence: int, last: int, bytes_max: int) -> list[Record]:
        """What ``after`` gives, at most ``bytes_max`` bytes of it, but one record at least."""
        records: list[Record] = []
        left = bytes_max
        for record in self.after(sequence, last):
            left -= len(record.raw)
            if records and left < 0:
                break
            records.append(record)
        return records

    def _of(self, path: Path, sequence: int, last: int) -> Iterator[Record | Damage]:
        for at, item in self._scanned(path, sequence):
            if isinstance(item, Damage):
                yield item
            elif item.sequence > last:
                return
            elif item.kind is not Kind.TAGS:
                self._hints.note(path, item.sequence, at)
                if item.sequence > sequence:
                    yield item

    def _scanned(self, path: Path, sequence: int) -> Iterator[tuple[int, Record | Damage]]:
        """The segment, from a hint up to the sequence if that still holds, else from its head."""
        end = self._readable_bytes(path)
        hint = self._hints.before(path, sequence)
        if hint is not None:
            expected, offset = hint
            rest = scan_file(path, offset, end)
            first = next(rest, None)
            if first and isinstance(first[1], Record) and first[1].sequence == expected:
                yield first
                yield from rest
                return
            self._hints.forget(path)
        yield from scan_file(path, HEAD_BYTES, end)

    def _segments_from(self, sequence: int) -> list[SegmentFile]:
        segments = list_segments(self._folder)
        self._hints.keep({segment.path for segment in segments})
        later = [segment for segment in segments if segment.first > sequence]
        holding = [segment for segment in segments if segment.first <= sequence]
        return holding[-1:] + later
