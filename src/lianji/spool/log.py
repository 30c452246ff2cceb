"""The log itself: which segment grows, what is durable, and what is still in memory.

Written by the spool's writer thread alone; its lock guards what others ask meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lianji.base.errors import LianjiError
from lianji.dictionary.batch import Batch
from lianji.spool.quarantine import Quarantine
from lianji.spool.reader import Entry
from lianji.spool.record import Damage, Gap, encode_batch, encode_gap, encode_tags
from lianji.spool.recovery import recover, segment_path
from lianji.spool.room import Room
from lianji.spool.segment import SegmentWriter, storage_failed
from lianji.spool.settings import SpoolSettings
from lianji.trace.marks import Stage

RECENT_ROWS_MAX = 1_000_000
Parts = list[bytes | memoryview]


@dataclass(slots=True)
class Pending:
    """A batch that waits for its yes."""

    batch: Batch
    answer: Future[int]
    arrived_ns: int
    started_ns: int = 0


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
        self.opened_s = time.monotonic()
        self.gaps: list[Gap] = []
        self._found: list[Gap] = []
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
        for path, damage in found.damage:
            self.damaged(path, damage)

    # -- writing: the writer thread ----------------------------------------------------------

    def write(self, group: list[Pending]) -> None:
        """Write a group, sync once and answer each of it."""
        with self._lock:
            self._tell_gaps()
            for pending in group:
                pending.started_ns = time.monotonic_ns()
                try:
                    self._write_one(pending)
                except LianjiError as error:
                    pending.answer.set_exception(error)
                except OSError as error:
                    self._undo(error)
                    pending.answer.set_exception(storage_failed(error, self.folder))
        self._seal()

    def _write_one(self, pending: Pending) -> None:
        record = encode_batch(self._last + 1, pending.batch)
        size = sum(len(part) for part in record)
        if self._active.bytes + size > self.settings.roll_bytes and self._active.has_records:
            self._roll()
        definitions = self._definitions(pending.batch)
        size += sum(len(part) for part in definitions)
        for gap in self.room.make(size, self._active.bytes, self._active.first):
            self._write_gap(gap)
            record = encode_batch(self._last + 1, pending.batch)
        self._write_parts(definitions)
        self._write_parts(record)
        self._last += 1
        self._unanswered.append((Entry(self._last, pending.batch), pending))

    def _write_parts(self, parts: Parts) -> None:
        if parts:
            self._active.write(parts)
            self.appended_bytes += sum(len(part) for part in parts)

    def _write_gap(self, gap: Gap) -> None:
        self._write_parts(encode_gap(self._last + 1, gap))
        self._last += 1
        self.gaps.append(gap)
        self._unanswered.append((Entry(self._last, gap), None))

    def _tell_gaps(self) -> None:
        """Write the gaps that others than the writer found."""
        found, self._found = self._found, []
        for gap in found:
            self._write_gap(gap)

    def _definitions(self, batch: Batch) -> Parts:
        tags = batch.tags
        unknown = self._active.undefined(tags)
        if not len(unknown):
            return []
        ids = np.unique(unknown).tolist()
        self._active.define(ids)
        return encode_tags(self._last + 1, ids, [self._path_of(tag) for tag in ids])

    def _roll(self) -> None:
        """Close the growing segment and begin the next; all that was written is synced first."""
        self._seal()
        successor = SegmentWriter(segment_path(self.folder, self._last + 1), self.epoch)
        self._active.close()
        self.room.closed(self._active.path)
        self._active = successor
        self.room.release(successor.first)

    def _seal(self) -> None:
        """Sync what was written, make it visible to readers, and answer."""
        if not self._unanswered:
            return
        try:
            self._active.sync()
        except OSError as error:
            with self._lock:
                self._undo(error)
            return
        done, self._unanswered = self._unanswered, []
        with self._lock:
            self.durable = self._last
            for entry, _ in done:
                self._remember(entry)
        self.on_durable()
        for entry, pending in done:
            if pending is not None:
                pending.batch.marks.add(Stage.SPOOL, pending.arrived_ns, pending.started_ns)
                pending.answer.set_result(entry.sequence)

    def _undo(self, error: OSError) -> None:
        """Nothing of this group may stay behind half-written or unanswered."""
        failed, self._unanswered = self._unanswered, []
        self._last = self.durable
        self._active.cut_back()
        for _, pending in failed:
            if pending is not None:
                pending.answer.set_exception(storage_failed(error, self.folder))

    # -- what readers ask --------------------------------------------------------------------

    def _remember(self, entry: Entry) -> None:
        self._recent.append(entry)
        self._recent_rows += _rows(entry)
        while self._recent_rows > RECENT_ROWS_MAX and len(self._recent) > 1:
            self._recent_rows -= _rows(self._recent.popleft())

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
                self._recent_rows -= _rows(self._recent.popleft())

    def readable_bytes(self, segment: Path) -> int | None:
        with self._lock:
            return self._active.durable_bytes if segment == self._active.path else None

    def damaged(self, segment: Path, damage: Damage) -> None:
        with self._lock:
            try:
                news = self.quarantine.set_aside(segment, damage, "checksum")
            except OSError as error:
                raise storage_failed(error, self.quarantine.folder) from error
            if news:
                what = f"damaged: {segment.name} at {damage.offset}, {damage.length} bytes"
                self._found.append(Gap(what, int(segment.stem), 0, 0, 0, 0))

    def release(self) -> None:
        with self._lock:
            self.room.release(self._active.first)

    @property
    def bytes(self) -> int:
        with self._lock:
            return self.room.closed_bytes + self._active.bytes

    def first_segment(self) -> Path:
        with self._lock:
            return self.room.segments[0].path if self.room.segments else self._active.path

    def close(self) -> None:
        with self._lock:
            self._tell_gaps()
        self._seal()
        self._active.close()


def _rows(entry: Entry) -> int:
    return len(entry.content) if isinstance(entry.content, Batch) else 1
