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
from lianji.spool.record import Record, decode
from lianji.spool.segment import storage_failed


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


class Holder:
    """Somebody by name who is done with the log up to a position: what lies behind it stays.

    Not thread-safe: one thread commits.
    """

    def __init__(self, log: Log, name: str, folder: Path) -> None:
        self.name = name
        self._log = log
        self._path = folder / name
        self.position = read_position(self._path)

    def register(self) -> None:
        """Make the reader known on disk, so that it counts also before its first commit.

        Raises StorageError.
        """
        if not self._path.exists():
            try:
                write_atomically(self._path, b"%d" % self.position)
            except OSError as error:
                raise storage_failed(error, self._path) from error

    def commit(self, sequence: int) -> None:
        """Durably: everything up to this sequence is done with. Never goes back."""
        if sequence <= self.position:
            return
        write_atomically(self._path, b"%d" % sequence)
        self.position = sequence
        self._log.release()


class Reader(Holder):
    """One reader by name. Not thread-safe: one thread reads and commits."""

    def __init__(self, log: Log, name: str, folder: Path, on_moved: Callable[[], None]) -> None:
        """``on_moved`` is called when the cursor has moved."""
        super().__init__(log, name, folder)
        self._on_moved = on_moved
        self._cursor = self.position

    @property
    def cursor(self) -> int:
        """The last sequence that was read."""
        return self._cursor

    def start_behind(self, sequence: int) -> None:
        """Take up behind a sequence that a better witness (the table itself) says is done."""
        self._log.skip_to(sequence)
        self._cursor = sequence
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
            yield from recent
            return
        for record in self._log.stretches.after(self._cursor, self._log.durable):
            yield Entry(record.sequence, decode(record))

    def read_records(self, bytes_max: int, last: int | None = None) -> list[Record]:
        """The next records that are durable, as they lie in the files, up to sequence ``last``: at
        most ``bytes_max`` bytes, but one at least; [] if none wait."""
        end = self._log.durable if last is None else min(last, self._log.durable)
        records = self._log.stretches.take(self._cursor, end, bytes_max)
        if records:
            self._cursor = records[-1].sequence
        self._on_moved()
        return records
