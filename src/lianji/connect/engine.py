"""One device's life: open, poll and listen, and when the link is lost wait and open again.

Whatever a device or its driver does, this never dies of it: it becomes a state, a sentence and a
wait. Every point has a quality at every moment: when the link goes, each point says so once, and
again with each heartbeat, until it has a value again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Desync, LianjiError, StorageError, Text
from lianji.connect.backoff import Backoff
from lianji.connect.columns import join, without_value
from lianji.connect.driver import DeviceConfig, Driver
from lianji.connect.failures import as_lianji_error, no_answer, quality_of, subscription_ended
from lianji.connect.outbox import Changes, Outbox, Sink
from lianji.connect.points import parse_tags
from lianji.connect.poll import Poller
from lianji.connect.refused import Memory, Ranges
from lianji.connect.schedule import Schedule
from lianji.connect.statistics import DeviceStatus, RejectedTag, State, Statistics
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from lianji.trace.marks import Marks, Stage

OPEN_S_MIN = 10.0
"""Opening may take several round trips; drivers have tighter time-outs of their own."""
CLOSE_S = 1.0
CANCEL_AGAIN_S = 1.0
DRAIN_S = 1.0
GRACE_S = 10.0
"""A machine that starts together with us is not complained of at once."""

_log = structlog.get_logger(__name__)


class Device:
    """One device. ``ids[i]`` is the tag id of ``tags[i]``; samples go to ``sink``.

    In ``folder`` stays what is learned of the device (``<name>.refused.json``); None keeps
    nothing. ``backoff`` makes the wait after a failure, for the link and for each silent part.
    """

    def __init__(
        self,
        name: str,
        driver: Driver[Any],
        tags: Sequence[Tag],
        ids: NDArray[np.int32],
        sink: Sink,
        folder: Path | None = None,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        if len(ids) != len(tags):
            raise ValueError(f"{len(tags)} tags have {len(ids)} ids")
        config: DeviceConfig = driver.config
        self.name = name
        self._driver = driver
        self._config = config
        parsed = parse_tags(driver, tags)
        self._numbers = parsed.numbers()
        self._rejected_numbers = np.array(list(parsed.rejected), dtype=np.int32)
        self._statistics = Statistics(
            name, config.protocol, tags=len(self._numbers), rejected=tuple(parsed.rejected.values())
        )
        if not config.enabled:
            self._statistics.state = State.DISABLED
        deadbands = [tag.deadband for tag in tags]
        self._outbox = Outbox(
            ids, deadbands, config.heartbeat_s, sink, self._statistics, f"device/{name}"
        )
        self._changes = Changes(self._outbox, self._statistics)
        self._memory = _memory(name, config, folder)
        self._subscribed = {
            number: point for number, point in parsed.points.items() if driver.subscribed(point)
        }
        self._poller = Poller(
            driver,
            {n: point for n, point in parsed.points.items() if n not in self._subscribed},
            lambda number: (tags[number].interval_ms or config.interval_ms) / 1000,
            len(tags),
            self._remembered(),
            self._statistics,
            backoff,
        )
        self._schedule = Schedule(self._poller.intervals_s, name, monotonic_s())
        self._backoff = backoff()
        self._was_open = False
        self._born_s = monotonic_s()
        self._told = ""
        self._task: asyncio.Task[Any] | None = None

    @property
    def rejected(self) -> Sequence[RejectedTag]:
        """The tags that cannot be read, each with its reason."""
        return self._statistics.rejected

    def status(self) -> DeviceStatus:
        try:
            diagnosis = self._driver.diagnosis()
        except Exception as error:
            diagnosis = {"diagnosis failed": str(as_lianji_error(error))}
        return self._statistics.snapshot(diagnosis)

    async def run(self) -> None:
        """Live until cancelled or stopped. A device that is switched off returns at once."""
        if not self._config.enabled:
            return
        self._task = asyncio.current_task()
        delivery = asyncio.create_task(self._outbox.run(), name=f"deliver {self.name}")
        try:
            await self._report_rejected()
            while len(self._numbers):
                await self._once()
            self._statistics.state = State.STOPPED
            await asyncio.Event().wait()
        finally:
            await self._outbox.drain(DRAIN_S)
            await _ended(delivery)
            self._statistics.state = State.STOPPED

    async def stop(self) -> None:
        """End ``run`` with everything delivered that was read. Takes at most about 2 s."""
        if self._task is not None:
            await _ended(self._task)

    async def _report_rejected(self) -> None:
        if len(self._rejected_numbers):
            wrong = int(Quality.BAD_CONFIGURATION_ERROR)
            rows = without_value(self._rejected_numbers, wrong, now_us())
            await self._outbox.send(join([]), standing=rows)

    async def _once(self) -> None:
        """One connection from its opening to its loss, and the wait after it."""
        statistics = self._statistics
        statistics.state, statistics.retry_at_s = State.CONNECTING, None
        opened_s: float | None = None
        heard = statistics.answered + statistics.refused
        try:
            await self._open()
            _heed_cancellation()
            opened_s = monotonic_s()
            self._came_up()
            await self._live()
        except (Exception, asyncio.CancelledError) as error:
            await self._close()
            _heed_cancellation()
            spoke = self._subscribed or statistics.answered + statistics.refused > heard
            good_for_s = monotonic_s() - opened_s if opened_s and spoke else 0.0
            await self._down(as_lianji_error(error), good_for_s, error)

    async def _open(self) -> None:
        timeout_s = max(OPEN_S_MIN, 3 * self._config.timeout_ms / 1000)
        try:
            async with asyncio.timeout(timeout_s) as guard:
                await self._driver.open()
        except TimeoutError as error:
            if guard.expired():
                raise no_answer(timeout_s) from error
            raise

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._driver.close()
        except Exception as error:
            _log.warning("a driver failed to close", device=self.name, error=repr(error))

    def _came_up(self) -> None:
        statistics = self._statistics
        statistics.state = State.RUNNING
        statistics.reconnects += self._was_open
        if self._told:
            _log.info("a device is back", device=self.name)
        self._told = ""
        self._was_open = True
        self._poller.silence.clear()

    async def _live(self) -> None:
        """Poll and listen at once; ends only by raising."""
        if not self._subscribed:
            await self._poll()
            return
        self._statistics.recovered()
        jobs = [self._listen(), self._changes.run()]
        if self._poller.groups:
            jobs.append(self._poll())
        try:
            await _first_failure(jobs)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._changes.flush()

    async def _listen(self) -> None:
        points, numbers = list(self._subscribed.values()), list(self._subscribed)
        await self._driver.subscribe(points, numbers, self._changes.emit)
        raise subscription_ended()

    async def _poll(self) -> None:
        schedule = self._schedule
        schedule.restart(monotonic_s())
        while True:
            next_s = schedule.next_s() or 0.0
            await asyncio.sleep(max(0.0, next_s - monotonic_s()))
            due = schedule.due(monotonic_s())
            if due:
                await self._cycle(due, int(next_s * 1e9))
                _heed_cancellation()
                schedule.done(due, monotonic_s())
                self._statistics.missed_cycles = sum(schedule.missed)

    async def _cycle(self, due: Sequence[int], due_ns: int) -> None:
        poller, statistics = self._poller, self._statistics
        marks, began_ns = Marks(), time.monotonic_ns()
        cycle = await poller.cycle(due)
        read_ns = marks.add(Stage.READ, due_ns, began_ns)
        statistics.cycle_took((read_ns - began_ns) / 1e9)
        columns = poller.decode(cycle)
        standing = np.flatnonzero(poller.standing).astype(np.int32)
        silent = without_value(standing, poller.standing[standing], now_us())
        await self._outbox.send(columns, silent, marks, read_ns)
        if poller.taught:
            await self._remember()
        if cycle.failure is not None:
            raise cycle.failure
        if cycle.trouble is not None:
            statistics.failed(cycle.trouble)
        elif statistics.error is not None and not poller.silence.any():
            statistics.recovered()

    async def _down(self, failure: LianjiError, good_for_s: float, raised: BaseException) -> None:
        """Say so of every point, and wait; heartbeats of it go on meanwhile."""
        statistics = self._statistics
        young = not self._was_open and monotonic_s() - self._born_s < GRACE_S
        if self._told != failure.code and not young:
            self._told = failure.code
            unknown = raised if failure.code == "driver-failed" else None
            _log.warning("a device is down", device=self.name, why=str(failure), exc_info=unknown)
        statistics.failed(failure)
        statistics.desyncs += isinstance(failure, Desync)
        statistics.retry_at_s = retry_at_s = monotonic_s() + self._backoff.failed(good_for_s)
        statistics.state = State.BACKING_OFF
        quality = int(quality_of(failure))
        while True:
            rows = without_value(self._numbers, quality, now_us())
            await self._outbox.send(join([]), standing=rows)
            left_s = retry_at_s - monotonic_s()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, self._config.heartbeat_s or left_s))

    def _remembered(self) -> Ranges:
        if self._memory is None:
            return Ranges()
        try:
            return self._memory.load()
        except LianjiError as error:
            _log.warning("forbidden addresses are learned anew", device=self.name, why=str(error))
            return Ranges()

    async def _remember(self) -> None:
        self._poller.taught = False
        if self._memory is None:
            return
        try:
            await asyncio.to_thread(self._memory.save, self._poller.ranges)
        except OSError as error:
            self._statistics.storage_failed(_not_remembered(error))


def _memory(name: str, config: DeviceConfig, folder: Path | None) -> Memory | None:
    """Where a device's lessons stay; they belong to the machine that its own fields name."""
    if folder is None:
        return None
    pacing = {*DeviceConfig.model_fields} - {"protocol"}
    secret = {field for field in type(config).model_fields if "pass" in field or "token" in field}
    identity = config.model_dump_json(exclude=pacing | secret)
    return Memory(folder / f"{name}.refused.json", sha256(identity.encode()).hexdigest()[:16])


def _not_remembered(error: OSError) -> StorageError:
    return StorageError(
        "refused-ranges-not-kept",
        Text(
            f"The forbidden addresses of the device could not be written ({error}).",
            f"无法写入设备的禁读地址（{error}）。",
        ),
        Text(
            "Check that the disk is not full; until then they are learned again at each start.",
            "请检查磁盘是否已满；在此之前，每次启动都会重新学习。",
        ),
    )


def _heed_cancellation() -> None:
    """Raise CancelledError if we were asked to end, even if a driver swallowed what asked us.

    What drivers wait with may do so: asyncio.wait_for before Python 3.12, and all that uses it.
    A cancellation that nobody asked for, which some driver let escape, is none of ours.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _first_failure(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run endless jobs together until one raises; then end the others and raise the same."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(*tasks, again_s=CANCEL_AGAIN_S)
    for task in done:
        task.result()


async def _ended(*tasks: asyncio.Task[Any], again_s: float | None = None) -> None:
    """Cancel tasks and wait for their end, whatever they end with.

    ``again_s``: cancel again what has not ended by then, since a driver swallowed it.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_s)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen; otherwise asyncio complains that nobody looked
