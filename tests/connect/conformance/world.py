"""A driver with its peer, whose faults a check turns on and off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

from lianji.connect.driver import Block, Driver
from lianji.connect.engine import Device
from lianji.connect.points import parse_tags, plan_points
from lianji.connect.refused import Ranges
from lianji.dictionary.quality import Quality, is_bad
from lianji.dictionary.tag import Tag
from tests.connect.framework import Received, quick_backoff, until

PATIENCE_S = 20.0


class Fault(StrEnum):
    """How one answer can be spoilt on its way."""

    ANOTHER_ID = "another id"
    GARBAGE = "garbage"
    HALF_AND_CUT = "half a frame and the end of the connection"
    HALF_AND_SILENCE = "half a frame and nothing more"
    TWICE = "twice"


class World(Protocol):
    """A driver, and a peer whose faults can be turned on and off.

    The driver's ``timeout_ms`` and ``interval_ms`` should be short: a check waits for several.
    """

    @property
    def tags(self) -> Sequence[Tag]:
        """At least three that the peer answers with the numbers in ``expected``."""

    @property
    def expected(self) -> Mapping[str, float]: ...

    @property
    def wrong_tag(self) -> Tag:
        """One whose address no driver of this protocol can parse."""

    @property
    def refusable(self) -> Tag:
        """The one of ``tags`` that ``refuse`` concerns."""

    def driver(self) -> Driver[Any]: ...

    async def disconnect(self) -> None:
        """End the connection, and let no new one through until ``connect``."""

    async def connect(self) -> None: ...

    async def hang(self, on: bool) -> None:
        """Take requests and answer none, while on."""

    async def refuse(self) -> None:
        """Refuse whatever touches ``refusable`` from now on."""

    # what only somebody between the two can do

    def delay(self, seconds: float) -> None:
        """Let every answer take that much longer from now on."""

    def spoil(self, fault: Fault) -> None:
        """Spoil the next answer that holds values."""

    def spoilt(self) -> int:
        """How many answers have been spoilt."""

    def passed(self) -> int:
        """How many answers have gone through, spoilt or not."""


@asynccontextmanager
async def started(world: World) -> AsyncIterator[tuple[Device, Received]]:
    """A device that runs, whatever it meets; it must not die of it."""
    received = Received([tag.path for tag in world.tags])
    ids = np.arange(len(world.tags), dtype=np.int32)
    device = Device("world", world.driver(), world.tags, ids, received, None, quick_backoff)
    task = asyncio.create_task(device.run())
    try:
        yield device, received
        assert not task.done(), "the device died"
    finally:
        async with asyncio.timeout(5):
            await device.stop()


@asynccontextmanager
async def living(world: World) -> AsyncIterator[tuple[Device, Received]]:
    """A device all of whose tags are good."""
    async with started(world) as (device, received):
        await good(world, received, "the first good values")
        yield device, received


async def good(world: World, received: Received, what: str) -> None:
    """Wait until every tag is."""
    await _each(world, received, lambda quality: quality == Quality.GOOD, what)


async def bad(world: World, received: Received) -> None:
    await _each(world, received, is_bad, "every point bad")


async def _each(world: World, received: Received, wanted: Callable[[int], bool], what: str) -> None:
    def reached() -> bool:
        last = [received.last_quality(tag.path) for tag in world.tags]
        return all(quality is not None and wanted(quality) for quality in last)

    await until(reached, PATIENCE_S, what)


async def answers(world: World, count: int) -> None:
    """Wait until so many more have gone through."""
    before = world.passed()
    await until(lambda: world.passed() >= before + count, PATIENCE_S, f"{count} more answers")


def nothing_wrong(world: World, received: Received) -> None:
    """Every value that was ever stored is the right one."""
    for tag in world.tags:
        stored = [value for value in received.values(tag.path) if value is not None]
        assert set(stored) <= {world.expected[tag.path]}, tag.path


def polled_blocks(world: World, driver: Driver[Any]) -> list[Block]:
    points = parse_tags(driver, world.tags).points
    polled = {n: point for n, point in points.items() if not driver.subscribed(point)}
    assert polled, "nothing of this driver is polled: this check is to be exempted"
    return plan_points(driver, polled, polled, Ranges())
