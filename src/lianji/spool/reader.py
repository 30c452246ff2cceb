"""A reader of the spool: a cursor that runs ahead and a position that is durable.

``read`` moves the cursor; ``commit`` says that everything up to a sequence is done with, and only
then may its segments go. After a restart the cursor begins behind the committed position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.spool.record import Damage, Gap, Kind, decode_batch, decode_gap
from lianji.spool.segment import (
    HEAD_BYTES,
    SegmentFile,
    list_segments,
    scan_file,
    storage_failed,
)

if TYPE_CHECKING:
    from lianji.spool.spool import Spool


@dataclass(slots=True)
class Entry:
    """One record as a reader sees it."""

    sequence: int
    content: Batch | Gap


def read_position(path: Path) -> int:
    """The last sequence that the reader is done with; 0 if it never read. See ``Reader``."""
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise StorageError(
            "spool-position",
            Text(f"{path} does not hold a number.", f"{path} 的内容不是数字。"),
            Text("Restore it from a backup or set it to 0.", "请从备份恢复，或将其设为 0。"),
        ) from error


class Reader:
    """One reader by name. Not thread-safe: one thread reads and commits."""

    def __init__(self, spool: Spool, name: str, folder: Path) -> None:
        self.name = name
        self._spool = spool
        self._path = folder / name
        self.position = read_position(self._path)
        self._cursor = self.position
        self._at: tuple[Path, int] | None = None
        self._damaged: Path | None = None

    def register(self) -> None:
        """Make the reader known on disk, so that it counts also before its first commit.

        Raises StorageError.
        """
        if not self._path.exists():
            try:
                write_atomically(self._path, b"%d" % self.position)
            except OSError as error:
                raise storage_failed(error, self._path) from error

    @property
    def cursor(self) -> int:
        """The last sequence that was read."""
        return self._cursor

    def start_behind(self, sequence: int) -> None:
        """Take up behind a sequence that a better witness (the table itself) says is done."""
        self._spool.skip_to(sequence)
        self._cursor = sequence
        self._at = None
        self.commit(sequence)

    def read(self, rows_max: int = 1_000_000) -> list[Entry]:
        """The next records that are durable, at most about ``rows_max`` rows; [] if none wait."""
        entries: list[Entry] = []
        rows = 0
        for entry in self._following():
            entries.append(entry)
            self._cursor = entry.sequence
            rows += len(entry.content) if isinstance(entry.content, Batch) else 0
            if rows >= rows_max:
                break
        self._spool.passed(self)
        return entries

    def _following(self) -> Iterator[Entry]:
        recent = self._spool.recent(self._cursor)
        if recent is not None:
            self._at = None
            yield from recent
            return
        yield from self._from_disk(self._spool.durable)

    def _from_disk(self, last: int) -> Iterator[Entry]:
        segments = self._segments_from(self._cursor + 1)
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            path = segment.path
            offset = self._at[1] if self._at and self._at[0] == path else HEAD_BYTES
            try:
                yield from self._from_segment(path, offset, last)
                if following is not None and self._cursor + 1 < following.first:
                    self._cut_short(path)
            except FileNotFoundError:
                continue  # dropped by the disk cap meanwhile; the gap record tells
            if self._cursor >= last:
                return

    def _segments_from(self, sequence: int) -> list[SegmentFile]:
        segments = list_segments(self._spool.folder)
        later = [segment for segment in segments if segment.first > sequence]
        holding = [segment for segment in segments if segment.first <= sequence]
        return holding[-1:] + later

    def _cut_short(self, path: Path) -> None:
        """A segment ends before the next begins: its last records are gone without a trace."""
        if self._damaged != path:
            self._spool.damaged(path, Damage(path.stat().st_size, 0))

    def _from_segment(self, path: Path, offset: int, last: int) -> Iterator[Entry]:
        for at, item in scan_file(path, offset, self._spool.readable_bytes(path)):
            if isinstance(item, Damage):
                self._damaged = path
                self._spool.damaged(path, item)
                continue
            if item.sequence > last:
                return
            self._at = (path, at)
            if item.sequence <= self._cursor or item.kind is Kind.TAGS:
                continue
            content = decode_batch(item) if item.kind is Kind.BATCH else decode_gap(item)
            yield Entry(item.sequence, content)

    def commit(self, sequence: int) -> None:
        """Durably: everything up to this sequence is done with. Never goes back."""
        if sequence <= self.position:
            return
        write_atomically(self._path, b"%d" % sequence)
        self.position = sequence
        self._spool.release()
