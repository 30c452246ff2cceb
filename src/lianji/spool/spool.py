"""The spool: append and it is on disk; read at your own pace; nothing goes before all have it.

One process writes a spool (a lock file sees to that). Appends from any thread or event loop are
gathered, written and synced together, and only then answered.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from lianji.base.durable import make_folder
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.spool.entry import Entry
from lianji.spool.group_commit import GroupCommit
from lianji.spool.log import Log
from lianji.spool.quarantine import Quarantine
from lianji.spool.reader import Holder, Reader, read_position
from lianji.spool.record import Gap, Record, decode
from lianji.spool.settings import SpoolSettings
from lianji.spool.status import SpoolStatus, status_of

READERS = "readers"
LOCK_TRIES = 5
LOCK_PAUSE_S = 0.02


class Spool:
    """A folder of segments, open for writing."""

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings | None = None,
        path_of: Callable[[int], str] = str,
    ) -> None:
        """Open or create. ``path_of`` names a tag id, so that segments can define what they use.

        Raises StorageError if another process has the spool or the disk refuses.
        """
        self.folder = folder
        self.settings = settings or SpoolSettings()
        make_folder(folder / READERS)
        self._lock_file = _lock(folder / "lock")
        self.quarantine = Quarantine(folder / "quarantine")
        self._changed = threading.Condition()
        self._wakes = 0
        self._readers: dict[str, Holder] = {}
        self._log = Log(folder, self.settings, path_of, self.quarantine, self._slowest_position)
        self._log.on_durable = self._published
        self._log.skip_to(max(self._positions(), default=0))
        self._commit = GroupCommit(self._log, self.settings)

    # -- writing ---------------------------------------------------------------------------

    def put(self, content: Batch | Gap) -> Future[int]:
        """Hand over a batch, or a gap that an edge told, from any thread; the result is its
        sequence once it is on disk.

        The result raises Busy (the cap is reached and the policy is refuse) or StorageError.
        """
        return self._commit.put(content)

    async def append(self, content: Batch | Gap) -> int:
        """The sequence of what was handed over, after it is on disk. Raises as ``put``."""
        return await asyncio.wrap_future(self._commit.put(content))

    def mark(self, gap: Gap) -> int:
        """Close the growing segment and begin the next with this word; its sequence. Raises as the
        result of ``put``."""
        self._log.roll_next()
        return self._commit.put(gap).result()

    def let_go(self) -> int:
        """Remove the closed segments that every reader has passed, whatever their keep-time; how
        many went. Nothing is lost by it but what a lesser hub could have been offered again."""
        return self._log.let_go()

    # -- reading ---------------------------------------------------------------------------

    @property
    def epoch(self) -> str:
        """The name of this run of sequence numbers: a spool made anew has another."""
        return self._log.epoch.hex()

    @property
    def durable(self) -> int:
        """The last sequence that is on disk; 0 if there is none."""
        return self._log.durable

    @property
    def oldest(self) -> int:
        """The sequence at which the oldest segment begins: what was before it is gone."""
        return int(self._log.first_segment().stem)

    def reader(self, name: str) -> Reader:
        """The reader of that name; from now on nothing goes that it has not committed."""
        with self._changed:
            found = self._readers.get(name)
            if not isinstance(found, Reader):
                found = Reader(self._log, name, self.folder / READERS, self._moved)
                found.register()
                self._readers[name] = found
            return found

    def holder(self, name: str) -> Holder:
        """Whoever reads by ``records`` instead; nothing goes that it has not committed either."""
        with self._changed:
            if name not in self._readers:
                self._readers[name] = Holder(self._log, name, self.folder / READERS)
                self._readers[name].register()
            return self._readers[name]

    def wait_beyond(self, sequence: int, timeout_s: float) -> bool:
        """Wait until something behind this sequence is durable; False if the time is over, or
        somebody called ``wake``."""
        with self._changed:
            wakes = self._wakes
            self._changed.wait_for(
                lambda: self._log.durable > sequence or self._wakes != wakes, timeout_s
            )
            return self._log.durable > sequence

    def wake(self) -> None:
        """Let those who wait look up: they are to end, say."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def after(self, sequence: int) -> Iterator[Entry]:
        """All that is durable now behind a sequence, for whoever is no reader: nothing is held for
        it, so what was dropped is left out."""
        recent = self._log.recent_after(sequence)
        if recent is not None:
            yield from recent
            return
        for record in self._log.stretches.after(sequence, self.durable):
            yield Entry(record.sequence, decode(record))

    def records(self, first: int, last: int, bytes_max: int) -> list[Record]:
        """The durable records from one sequence to another, both included, as they lie in the
        files: at most ``bytes_max`` bytes, but one at least; [] if they are gone."""
        return self._log.stretches.take(first - 1, min(last, self.durable), bytes_max)

    def record(self, sequence: int) -> Record | None:
        """The durable record of that number as it lies in its file; None if it is gone."""
        found = self.records(sequence, sequence, 0)
        return found[0] if found else None

    def _moved(self) -> None:
        """What every reader has read need not stay in memory."""
        readers = [one for one in self._readers.values() if isinstance(one, Reader)]
        self._log.forget(min((one.cursor for one in readers), default=self.durable))

    def skip_to(self, sequence: int) -> None:
        """Never give a number up to this one again; see ``Log.skip_to``."""
        self._log.skip_to(sequence)

    def _slowest_position(self) -> int | None:
        return min(self._positions(), default=None)

    def _positions(self) -> list[int]:
        """How far each reader is, those included that nobody has asked for yet."""
        positions = [reader.position for reader in self._readers.values()]
        names = set(self._readers)
        positions += [
            read_position(path)
            for path in (self.folder / READERS).iterdir()
            if path.name not in names and not path.name.startswith(".")
        ]
        return positions

    def _published(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # -- life ------------------------------------------------------------------------------

    @property
    def gaps(self) -> list[Gap]:
        """What this spool itself lost since it was opened."""
        return list(self._log.gaps)

    def status(self) -> SpoolStatus:
        return status_of(self._log, list(self._readers.values()), self.quarantine)

    def close(self) -> None:
        """Write and answer what was handed over, then let go. May be called twice."""
        self._commit.close()
        self._log.close()
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if tries_left:
                time.sleep(LOCK_PAUSE_S)  # somebody may only be looking whether the plant runs
    os.close(handle)
    raise StorageError(
        "plant-in-use",
        Text(
            f"Another process is running this plant ({path.parent}).",
            f"另一个进程正在运行该工厂（{path.parent}）。",
        ),
        Text("Stop it first, or ask it through its page.", "请先停止它，或通过其网页访问。"),
    )
