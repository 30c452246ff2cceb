"""A reader of the spool: a cursor that runs ahead and a position that is durable.

``read`` moves the cursor; ``commit`` says that everything up to a sequence is done with, and only
then may its segments go. After a restart the cursor begins behind the committed position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.spool.entry import Entry
from lianji.spool.log import Log
from lianji.spool.record import Damage, Kind, decode_batch, decode_gap
from lianji.spool.segment import (
    HEAD_BYTES,
    SegmentFile,
    list_segments,
    scan_file,
    storage_failed,
)


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

    def __init__(self, log: Log, name: str, folder: Path, on_moved: Callable[[], None]) -> None:
        """``on_moved`` is called when the cursor has moved."""
        self.name = name
        self._log = log
        self._on_moved = on_moved
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
        self._log.skip_to(sequence)
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
            rows += entry.rows
            if rows >= rows_max:
                break
        self._on_moved()
        return entries

    def _following(self) -> Iterator[Entry]:
        recent = self._log.recent_after(self._cursor)
        if recent is not None:
            self._at = None
            yield from recent
            return
        yield from self._from_disk(self._log.durable)

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
        segments = list_segments(self._log.folder)
        later = [segment for segment in segments if segment.first > sequence]
        holding = [segment for segment in segments if segment.first <= sequence]
        return holding[-1:] + later

    def _cut_short(self, path: Path) -> None:
        """A segment ends before the next begins: its last records are gone without a trace."""
        if self._damaged != path:
            self._log.damaged(path, Damage(path.stat().st_size, 0))

    def _from_segment(self, path: Path, offset: int, last: int) -> Iterator[Entry]:
        for at, item in scan_file(path, offset, self._log.readable_bytes(path)):
            if isinstance(item, Damage):
                self._damaged = path
                self._log.damaged(path, item)
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
        self._log.release()
