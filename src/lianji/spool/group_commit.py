"""Group commit: many appends share one sync.

A thread gathers what comes within 20 ms or up to 1 MiB, whichever is first, writes it, syncs once
and answers all. Small batches wait for company, which spares the flash; a group of 64 KiB or more
goes as soon as nothing more is coming.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.spool.log import Log, Pending
from lianji.spool.record import Gap, pack
from lianji.spool.settings import SpoolSettings

BYTES_A_SAMPLE = 4
"""A rough weight, so that the gathering knows when a mebibyte has come without encoding it."""
WAITING_MAX = 10_000
WORTH_BYTES = 64 * 1024
QUIET_S = 0.001
"""A group that is worth its sync waits no longer than a quiet millisecond for more: whoever sends
large batches and waits for each yes would otherwise get fifty a second and no more (measured)."""


PACKED_AHEAD_ROWS = 20_000
PACKERS = 2


class GroupCommit:
    """The spool's writer thread, its queue, and two threads that pack large batches ahead of it."""

    def __init__(self, log: Log, settings: SpoolSettings) -> None:
        self._log = log
        self._settings = settings
        self._queue: queue.Queue[Pending | None] = queue.Queue(WAITING_MAX)
        self._closed = threading.Lock()
        self._open = True
        self._packers = ThreadPoolExecutor(PACKERS, "spool-packer")  # starts threads when needed
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._thread.start()

    def put(self, content: Batch | Gap) -> Future[int]:
        pending = Pending(content, Future(), time.monotonic_ns())
        with self._closed:
            if self._open:
                if _rows(content) >= PACKED_AHEAD_ROWS:
                    pending.packing = self._packers.submit(pack, content)
                self._queue.put(pending)
                return pending.answer
        pending.answer.set_exception(
            StorageError(
                "spool-closed",
                Text("The spool is closed.", "缓存已关闭。"),
                Text("Start the plant again.", "请重新启动工厂。"),
            )
        )
        return pending.answer

    def close(self) -> None:
        with self._closed:
            if self._open:
                self._open = False
                self._queue.put(None)
        self._thread.join()
        self._packers.shutdown()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, last = self._gather(first)
            self._log.write(group)
            if last:
                return

    def _gather(self, first: Pending) -> tuple[list[Pending], bool]:
        group = [first]
        weight = _rows(first.content) * BYTES_A_SAMPLE
        deadline = time.monotonic() + self._settings.commit_ms / 1000
        while weight < self._settings.commit_bytes:
            wait_s = max(0.0, deadline - time.monotonic())
            if weight >= WORTH_BYTES:
                wait_s = min(wait_s, QUIET_S)
            try:
                item = self._queue.get(timeout=wait_s)
            except queue.Empty:
                return group, False
            if item is None:
                return group, True
            group.append(item)
            weight += _rows(item.content) * BYTES_A_SAMPLE
        return group, False


def _rows(content: Batch | Gap) -> int:
    return len(content) if isinstance(content, Batch) else 1
