"""How these tests use a driver: read once, or gather what a subscription emits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from lianji.base.clock import now_us
from lianji.connect.driver import Columns, Point
from lianji.connect.drivers.opcua.driver import OpcUaConfig, OpcUaDriver
from lianji.dictionary.tag import Tag
from tests.peers.opcua import OpcUaServer


def driver_of(server: OpcUaServer, **settings: object) -> OpcUaDriver:
    given = {"publishing_ms": 50, "watchdog_s": 1.0, "retry_s": 0.3, **settings}
    return OpcUaDriver(OpcUaConfig.model_validate({"url": server.url, **given}))


def points_of(driver: OpcUaDriver, addresses: Sequence[str], interval_ms: int = 0) -> list[Point]:
    return [
        driver.parse(Tag(path=f"site/tag{i}", address=address, interval_ms=interval_ms))
        for i, address in enumerate(addresses)
    ]


@dataclass(frozen=True)
class Sample:
    number: int
    value: float | str | None
    quality: int
    time_us: int


def samples_of(columns: Columns) -> list[Sample]:
    """Rows of plain values; None where there is neither number nor text."""
    texts = columns.texts or [None] * len(columns)
    return [
        Sample(int(n), text if text is not None else (None if v != v else float(v)), int(q), int(t))
        for n, v, text, q, t in zip(
            columns.numbers, columns.values, texts, columns.quality, columns.times_us, strict=True
        )
    ]


async def read_all(driver: OpcUaDriver, addresses: Sequence[str]) -> list[Sample]:
    points = points_of(driver, addresses, interval_ms=1000)
    samples: list[Sample] = []
    for block in driver.plan(points, range(len(points))):
        samples += samples_of(driver.decode(block, await driver.read(block), now_us()))
    return samples


class Watched:
    """What a running subscription has emitted so far."""

    def __init__(self) -> None:
        self.batches: list[Columns] = []
        self.task: asyncio.Task[None] | None = None

    def of(self, number: int = 0) -> list[Sample]:
        rows = (sample for batch in self.batches for sample in samples_of(batch))
        return [sample for sample in rows if sample.number == number]

    def values(self, number: int = 0) -> list[float | str | None]:
        return [sample.value for sample in self.of(number)]

    async def failure(self, timeout_s: float = 20.0) -> BaseException:
        """What ended the subscription; fails the test if nothing does."""
        assert self.task is not None
        await asyncio.wait([self.task], timeout=timeout_s)
        if not self.task.done():
            pytest.fail(f"the subscription still runs after {timeout_s} s")
        error = self.task.exception()
        assert error is not None
        return error


@asynccontextmanager
async def watching(driver: OpcUaDriver, addresses: Sequence[str]) -> AsyncIterator[Watched]:
    """A subscription to these addresses, numbered in their order."""
    watched = Watched()
    points = points_of(driver, addresses)
    run = driver.subscribe(points, range(len(points)), watched.batches.append)
    watched.task = asyncio.create_task(run)
    try:
        yield watched
    finally:
        watched.task.cancel()
        await asyncio.wait([watched.task])


async def until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(0.01)
