"""From a device's columns to batches on their way to the spool.

Everything that a cycle or a tenth of a second of changes brought is one batch. The sink says yes
when it is on disk; a device goes on reading meanwhile, a few batches ahead at most. What the sink
does not take is counted as lost and said aloud, and the next reading of those points is sent even
if nothing changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Busy, LianjiError, StorageError, Text
from lianji.connect.columns import join
from lianji.connect.deadband import Deadband
from lianji.connect.driver import Columns, Settled
from lianji.connect.statistics import Statistics
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.dictionary.quality import BAD_BIT, UNCERTAIN_BIT, Quality, is_good
from lianji.trace.marks import Marks, Stage

BATCHES_AHEAD = 8
BUSY_RETRIES_S = (0.2, 0.5, 1.0)
FLUSH_S = 0.1
GATHERED_ROWS_MAX = 500_000

_log = structlog.get_logger(__name__)


class Sink(Protocol):
    async def append(self, batch: Batch) -> int:
        """Take a batch; returns its sequence number when it is on disk.

        Raises Busy (nothing was taken, try later) or StorageError.
        """


_Waiting = tuple[Batch, NDArray[np.int32], Settled | None]


class Outbox:
    """Filters, batches and delivers the samples of one device."""

    def __init__(
        self,
        ids: NDArray[np.int32],
        deadbands: Sequence[float],
        heartbeat_s: float,
        sink: Sink,
        statistics: Statistics,
        origin: str = "",
    ) -> None:
        self._origin = origin
        self._ids = ids
        self._deadband = Deadband(deadbands, heartbeat_s)
        self._sink = sink
        self._statistics = statistics
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(BATCHES_AHEAD)

    async def send(
        self,
        columns: Columns,
        standing: Columns | None = None,
        marks: Marks | None = None,
        read_ns: int = 0,
    ) -> None:
        """Put what is news in line as one batch; waits while too many are ahead of it.

        ``standing`` are points without a value: they pass when they begin and as heartbeats.
        ``read_ns`` is the monotonic moment at which reading ended and decoding began.
        """
        now_s = monotonic_s()
        kept = self._deadband.passing(columns, now_s)
        if standing is not None and len(standing):
            kept = join([kept, self._deadband.standing(standing, now_s)])
        self._note_good(columns)
        if not len(kept):
            _settle(columns.settled, True)
            return
        batch = self._batch(kept, Marks() if marks is None else marks)
        if marks is not None:
            marks.add(Stage.DECODE, read_ns, read_ns)
        try:
            await self._queue.put((batch, kept.numbers, columns.settled))
        except asyncio.CancelledError:
            self._statistics.lost_samples += len(batch)
            raise

    def _batch(self, kept: Columns, marks: Marks) -> Batch:
        wrong = (kept.times_us < TIME_US_MIN) | (kept.times_us > TIME_US_MAX)
        if wrong.any():  # a device without a clock battery must not cost its neighbours a batch
            kept.times_us = np.where(wrong, now_us(), kept.times_us)
            doubtful = wrong & is_good(kept.quality)
            kept.quality = np.where(doubtful, Quality.UNCERTAIN, kept.quality).astype(np.uint16)
        tags = self._ids[kept.numbers]
        return Batch.of(
            tags, kept.times_us, kept.values, kept.quality, kept.texts, marks, self._origin
        )

    def _note_good(self, columns: Columns) -> None:
        if len(columns) and int(columns.quality.min()) < UNCERTAIN_BIT:
            self._statistics.last_good_us = now_us()

    async def run(self) -> None:
        """Deliver what is in line, until cancelled.

        Several batches are on their way to the sink at once, handed over in order: each waits for
        its own yes, and a device that is read every 10 ms does not wait for that of the one before.
        """
        await asyncio.gather(*(self._work() for _ in range(BATCHES_AHEAD)))

    async def _work(self) -> None:
        while True:
            batch, numbers, settled = await self._queue.get()
            try:
                _settle(settled, await self._deliver(batch, numbers))
            finally:
                self._queue.task_done()
            del batch, numbers, settled  # or a worker that waits would hold its last ones

    async def drain(self, timeout_s: float) -> None:
        """Wait until all is delivered; what is not by then is lost and counted as such."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._queue.join()
        except TimeoutError:
            while not self._queue.empty():
                batch, _, _ = self._queue.get_nowait()
                self._statistics.lost_samples += len(batch)

    async def _deliver(self, batch: Batch, numbers: NDArray[np.int32]) -> bool:
        """Whether it is on disk; else it is counted as lost."""
        for wait_s in (*BUSY_RETRIES_S, None):
            try:
                await self._sink.append(batch)
            except Busy as error:
                if wait_s is None:
                    self._lost(batch, numbers, error)
                else:
                    await asyncio.sleep(wait_s)
                continue
            except Exception as error:
                self._lost(batch, numbers, error)
            else:
                self._delivered(batch)
                return True
            return False
        return False

    def _delivered(self, batch: Batch) -> None:
        statistics = self._statistics
        quality = batch.samples.column(4).to_numpy()
        statistics.samples += len(batch)
        statistics.bad_samples += int(np.count_nonzero(quality & BAD_BIT))
        if statistics.storage_error is not None:
            statistics.storage_recovered()
            _log.info("samples are stored again", device=statistics.name)

    def _lost(self, batch: Batch, numbers: NDArray[np.int32], error: Exception) -> None:
        statistics = self._statistics
        statistics.lost_samples += len(batch)
        self._deadband.forget(numbers)
        if statistics.storage_error is None:
            _log.error("samples are lost", device=statistics.name, error=str(error))
        statistics.storage_failed(error if isinstance(error, LianjiError) else _unknown(error))


class Changes:
    """What a device sends by itself, gathered for at most a tenth of a second."""

    def __init__(self, outbox: Outbox, statistics: Statistics) -> None:
        self._outbox = outbox
        self._statistics = statistics
        self._parts: list[Columns] = []
        self._rows = 0
        self._first_ns = 0
        self._awaited = False
        """Whether a source waits for our yes; it is not kept waiting for others."""
        self._some = asyncio.Event()

    def emit(self, columns: Columns) -> None:
        """Called by the driver. Never waits: under pressure what is too much is lost, counted."""
        if not len(columns):
            return
        if self._rows + len(columns) > GATHERED_ROWS_MAX:
            self._statistics.lost_samples += len(columns)
            self._statistics.storage_failed(_overrun())
            _settle(columns.settled, False)
            return
        if not self._parts:
            self._first_ns = time.monotonic_ns()
            self._some.set()
        self._parts.append(columns)
        self._rows += len(columns)
        self._awaited |= columns.settled is not None

    async def run(self) -> None:
        """Send on what was gathered, until cancelled."""
        while True:
            await self._some.wait()
            if not self._awaited:
                await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        if not self._parts:
            return
        parts, self._parts, self._rows, self._awaited = self._parts, [], 0, False
        self._some.clear()
        marks = Marks()
        now_ns = time.monotonic_ns()
        marks.add(Stage.READ, self._first_ns, now_ns)
        await self._outbox.send(join(parts), marks=marks, read_ns=now_ns)


def _settle(settled: Settled | None, stored: bool) -> None:
    if settled is not None:
        settled(stored)


def _unknown(error: Exception) -> StorageError:
    words = f"{type(error).__name__}: {error}"
    return StorageError(
        "samples-not-stored",
        Text(f"The samples could not be stored ({words}).", f"样本无法存储（{words}）。"),
        Text("See the log of the plant.", "请查看工厂日志。"),
    )


def _overrun() -> Busy:
    return Busy(
        "changes-overrun",
        Text(
            "The device sends changes faster than they can be stored.",
            "设备发送变化的速度超过存储速度。",
        ),
        Text(
            "Subscribe to fewer tags, or give them a deadband or a longer interval.",
            "请减少订阅的标签，或为其设置死区或更长的采样间隔。",
        ),
    )
