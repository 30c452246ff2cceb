"""The log itself: which segment grows, what is durable, and what is still in memory.

Written by the spool's writer thread alone; its lock guards what others ask meanwhile.
"""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from lianji.base.errors import LianjiError
from lianji.dictionary.batch import Batch
from lianji.spool.entry import Entry
from lianji.spool.pace import Pace
from lianji.spool.quarantine import Quarantine
from lianji.spool.record import Damage, Gap, Packed, encode_tags, pack
from lianji.spool.recovery import recover, segment_path
from lianji.spool.room import Room
from lianji.spool.segment import SegmentWriter, storage_failed
from lianji.spool.settings import SpoolSettings
from lianji.spool.stretch import Stretches
from lianji.trace.marks import Stage

RECENT_ROWS_MAX = 1_000_000
Parts = list[bytes | memoryview]
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Pending:
    """A batch, or a gap that an edge told, that waits for its yes."""

    content: Batch | Gap
    answer: Future[int]
    arrived_ns: int
    packing: Future[Packed] | None = None
    """A large batch is packed by another thread while the one before it is synced."""
    started_ns: int = 0

    def packed(self) -> Packed:
        return pack(self.content) if self.packing is None else self.packing.result()


class Log:
    """The segments of one spool."""

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings,
        path_of: Callable[[int], str],
        quarantine: Quarantine,
        slowest: Callable[[], int | None],
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.quarantine = quarantine
        self.on_durable: Callable[[], None] = lambda: None
        self.appended_bytes = 0
        self.pace = Pace()
        self.gaps: list[Gap] = []
        """What this spool itself lost since it was opened; what edges lost is none of it."""
        self._found: list[Gap] = []
        self._torn = False
        self._roll_next = False
        self._path_of = path_of
        self._lock = threading.RLock()
        self._recent: deque[Entry] = deque()
        self._recent_rows = 0
        self._unanswered: list[tuple[Entry, Pending | None]] = []
        found = recover(folder, quarantine)
        self.epoch = found.epoch
        self.durable = found.last
        self._last = found.last
        self._active = found.active
        self.room = Room(folder, settings, slowest)
        self.stretches = Stretches(folder, self.readable_bytes, self.damaged)
        for path, damage in found.damage:
            self.damaged(path, damage)
        if found.torn is not None:
            self._found.append(_told(self._active.path, found.torn, "torn"))

    # -- writing: the writer thread ----------------------------------------------------------

    def write(self, group: list[Pending]) -> None:
        """Write a group, sync once and answer each of it. Never raises: every failure is told."""
        if self._torn and not self._cut_back():
            self._fail(group, storage_failed(OSError(errno.EIO, "still failing"), self.folder))
            return
        self._tell_found()
        for pending in group:
            if not pending.answer.set_running_or_notify_cancel():
                continue
            pending.started_ns = time.monotonic_ns()
            try:
                self._write_one(pending)
            except OSError as error:
                self._undo(error)
                pending.answer.set_exception(storage_failed(error, self.folder))
            except Exception as error:
                pending.answer.set_exception(error)
        self._seal()

    def _write_one(self, pending: Pending) -> None:
        packed = pending.packed()
        size = packed.record_bytes
        is_full = self._active.bytes + size > self.settings.roll_bytes
        if (is_full or self._roll_next) and self._active.has_records:
            self._roll()
        self._roll_next = False
        ids, definitions = self._definitions(pending.content)
        self._make_room(size + _length(definitions))
        sequence = self._last + 1  # a gap may have had to be told first
        self._write_parts([*definitions, *packed.record(sequence)])
        self._active.define(ids)
        self._last += 1
        self._unanswered.append((Entry(self._last, pending.content), pending))

    def _make_room(self, size: int) -> None:
        with self._lock:
            self._found += self.room.make(size, self._active.bytes, self._active.first)
        self._write_found()

    def _write_parts(self, parts: Parts) -> None:
        self._active.write(parts)
        self.appended_bytes += _length(parts)

    def _write_gap(self, gap: Gap) -> None:
        self._write_parts(pack(gap).record(self._last + 1))
        self._last += 1
        self._unanswered.append((Entry(self._last, gap), None))

    def _tell_found(self) -> None:
        """Write the gaps that others than the writer found."""
        try:
            self._write_found()
        except OSError as error:
            self._undo(error)

    def _write_found(self) -> None:
        """Write the gaps that are to be told; what cannot be written is told later."""
        while self._found:
            self._write_gap(self._found[0])
            with self._lock:
                del self._found[0]

    def _definitions(self, content: Batch | Gap) -> tuple[list[int], Parts]:
        if isinstance(content, Gap):
            return [], []
        unknown = self._active.undefined(content.tags)
        if not len(unknown):
            return [], []
        ids = np.unique(unknown).tolist()
        return ids, encode_tags(self._last + 1, ids, [self._path_of(tag) for tag in ids])

    def _roll(self) -> None:
        """Close the growing segment and begin the next; all that was written is synced first."""
        if not self._seal():
            raise OSError(errno.EIO, "the segment before could not be synced")
        successor = SegmentWriter(segment_path(self.folder, self._last + 1), self.epoch)
        with self._lock:
            self._active.close()
            self.room.closed(self._active.path)
            self._active = successor
            self.room.release(successor.first)

    def _seal(self) -> bool:
        """Sync what was written, make it visible to readers, and answer; False if that failed."""
        if not self._unanswered:
            return True
        try:
            self._active.sync()
        except OSError as error:
            self._undo(error)
            return False
        done, self._unanswered = self._unanswered, []
        with self._lock:
            self.durable = self._last
            for entry, _ in done:
                self._remember(entry)
            self.gaps += _own_gaps(done)
        self.on_durable()
        self.pace.note(self.appended_bytes)
        for entry, pending in done:
            if pending is not None:
                if isinstance(entry.content, Batch):
                    marks = entry.content.marks
                    marks.add(Stage.SPOOL, pending.arrived_ns, pending.started_ns)
                pending.answer.set_result(entry.sequence)
        return True

    def _undo(self, error: OSError) -> None:
        """Nothing of this group may stay behind half-written or unanswered."""
        failed, self._unanswered = self._unanswered, []
        self._last = self.durable
        self._cut_back()
        with self._lock:
            self._found += _own_gaps(failed)
        self._fail([p for _, p in failed if p is not None], storage_failed(error, self.folder))

    def _cut_back(self) -> bool:
        """Cut what is not durable; until that has worked nothing more is written."""
        try:
            self._active.cut_back()
            self._torn = False
        except OSError:
            self._torn = True
        return not self._torn

    def _fail(self, group: list[Pending], error: LianjiError) -> None:
        for pending in group:
            if pending.answer.running() or pending.answer.set_running_or_notify_cancel():
                pending.answer.set_exception(error)

    def skip_to(self, sequence: int) -> None:
        """Never give a number up to this one again: a reader is done with it already.

        A segment that lost its end (a flipped bit looks like a torn tail) must not lead to numbers
        that are used twice, for readers would pass over what the second use brings. For the time
        before the first append.
        """
        with self._lock:
            if sequence > self._last:
                lost = "damaged: records that a reader has had are gone"
                self._found.append(Gap(lost, self._last + 1, sequence, 0, 0, 0))
                self._last = self.durable = sequence

    # -- what readers ask --------------------------------------------------------------------

    def _remember(self, entry: Entry) -> None:
        self._recent.append(entry)
        self._recent_rows += max(1, entry.rows)
        while self._recent_rows > RECENT_ROWS_MAX and len(self._recent) > 1:
            self._recent_rows -= max(1, self._recent.popleft().rows)

    def recent_after(self, sequence: int) -> list[Entry] | None:
        with self._lock:
            if sequence >= self.durable:
                return []
            if not self._recent or self._recent[0].sequence > sequence + 1:
                return None
            return [entry for entry in self._recent if entry.sequence > sequence]

    def forget(self, sequence: int) -> None:
        with self._lock:
            while self._recent and self._recent[0].sequence <= sequence:
                self._recent_rows -= max(1, self._recent.popleft().rows)

    def readable_bytes(self, segment: Path) -> int | None:
        with self._lock:
            return self._active.durable_bytes if segment == self._active.path else None

    def damaged(self, segment: Path, damage: Damage) -> None:
        with self._lock:
            try:
                reason = "checksum" if damage.length else "truncated"
                news = self.quarantine.set_aside(segment, damage, reason)
            except OSError as error:
                raise storage_failed(error, self.quarantine.folder) from error
            if news:
                self._found.append(_told(segment, damage, "damaged"))

    def release(self) -> None:
        with self._lock:
            self.room.release(self._active.first)

    def roll_next(self) -> None:
        """Let the next append begin a segment."""
        self._roll_next = True

    def let_go(self) -> int:
        """Remove what every reader has, whatever its keep-time; how many segments went."""
        with self._lock:
            return self.room.let_go(self._active.first)

    @property
    def bytes(self) -> int:
        with self._lock:
            return self.room.closed_bytes + self._active.bytes

    @property
    def passed_bytes(self) -> int:
        """What could go at once, because every reader has it and only the keep-time holds it."""
        with self._lock:
            return self.room.passed_bytes(self._active.first)

    def first_segment(self) -> Path:
        with self._lock:
            return self.room.segments[0].path if self.room.segments else self._active.path

    def close(self) -> None:
        """After the writer has ended: tell what is still to be told, and let go."""
        if not self._torn or self._cut_back():
            self._tell_found()
            self._seal()
        for gap in self._found:
            _log.error("gap-untold", reason=gap.reason, first=gap.first, last=gap.last)
        self._active.close()


def _own_gaps(written: list[tuple[Entry, Pending | None]]) -> list[Gap]:
    """The gaps among these that nobody handed over."""
    found = [entry.content for entry, pending in written if pending is None]
    return [gap for gap in found if isinstance(gap, Gap)]


def _told(segment: Path, damage: Damage, how: str) -> Gap:
    what = f"{how}: {segment.name} at {damage.offset}, {damage.length} bytes"
    return Gap(what, int(segment.stem), 0, 0, 0, 0)


def _length(parts: Parts) -> int:
    return sum(len(part) for part in parts)
