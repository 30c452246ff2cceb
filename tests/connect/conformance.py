"""What every driver must do on bad days: one kit, applied to each driver and its peer.

A driver's tests make a ``World``: the driver, tags that its peer answers, and the peer's faults.
Then they run every check of ``CHECKS``:

    @pytest.mark.parametrize("check", CHECKS, ids=name_of)
    async def test_conforms(check: Check) -> None:
        async with my_world() as world:
            await check(world)

A fault that a protocol cannot have is listed in ``World.exempt`` with its reason, and skips.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import numpy as np
import pytest

from lianji.base.errors import Desync, DeviceTimeout, LinkDown
from lianji.connect.driver import Block, Driver
from lianji.connect.engine import Device
from lianji.connect.points import parse_tags, plan_points
from lianji.connect.refused import Ranges
from lianji.connect.statistics import State
from lianji.dictionary.quality import Quality, is_bad
from lianji.dictionary.tag import Tag
from tests.connect.framework import Received, quick_backoff, until


class World(Protocol):
    """A driver, and a peer whose faults can be turned on and off.

    The driver's ``timeout_ms`` and ``interval_ms`` should be short (100 and 50 or less).
    """

    tags: Sequence[Tag]
    """At least three that the peer answers with the numbers in ``expected``."""
    expected: Mapping[str, float]
    wrong_tag: Tag
    """One whose address no driver of this protocol can parse."""
    refusable: Tag | None
    """The one of ``tags`` that ``refuse`` concerns."""
    exempt: Mapping[str, str]
    """Fault -> why this protocol cannot have it."""

    def driver(self) -> Driver[Any]: ...

    async def disconnect(self) -> None:
        """End the connection, and let no new one through until ``connect``."""

    async def connect(self) -> None: ...

    async def hang(self, on: bool) -> None:
        """Take requests and answer none, while on."""

    async def refuse(self, on: bool) -> None:
        """Refuse whatever touches ``refusable``, while on."""

    async def garble(self) -> None:
        """Answer the next request with what does not belong to it."""


Check = Callable[[World], Awaitable[None]]
PATIENCE_S = 20.0


@asynccontextmanager
async def living(world: World) -> AsyncIterator[tuple[Device, Received]]:
    received = Received([tag.path for tag in world.tags])
    ids = np.arange(len(world.tags), dtype=np.int32)
    device = Device("world", world.driver(), world.tags, ids, received, None, quick_backoff)
    task = asyncio.create_task(device.run())
    try:
        await until(lambda: good(world, received), PATIENCE_S, "the first good values")
        yield device, received
        assert not task.done(), "the device died"
    finally:
        async with asyncio.timeout(5):
            await device.stop()


def good(world: World, received: Received) -> bool:
    return all(received.last_quality(tag.path) == Quality.GOOD for tag in world.tags)


def _may(world: World, fault: str) -> None:
    if fault in world.exempt:
        pytest.skip(f"{fault}: {world.exempt[fault]}")


def _blocks(world: World, driver: Driver[Any]) -> list[Block]:
    points = parse_tags(driver, world.tags).points
    polled = {n: point for n, point in points.items() if not driver.subscribed(point)}
    if not polled:
        pytest.skip("nothing of this driver is polled")
    return plan_points(driver, polled, polled, Ranges())


async def reads_what_is_there(world: World) -> None:
    async with living(world) as (device, received):
        for tag in world.tags:
            assert received.values(tag.path)[-1] == pytest.approx(world.expected[tag.path])
        assert device.status().state == State.RUNNING
        assert device.status().last_error is None


async def decodes_a_row_a_point_in_the_blocks_order(world: World) -> None:
    driver = world.driver()
    await driver.open()
    try:
        for block in _blocks(world, driver):
            columns = driver.decode(block, await driver.read(block), 1_700_000_000_000_000)
            assert columns.numbers.tolist() == block.numbers.tolist()
            assert columns.numbers.dtype == np.int32 and columns.times_us.dtype == np.int64
            assert columns.values.dtype == np.float64 and columns.quality.dtype == np.uint16
            assert len({len(columns.values), len(columns.times_us), len(columns.quality)}) == 1
    finally:
        await driver.close()


async def says_in_words_what_is_wrong_with_an_address(world: World) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        world.driver().parse(world.wrong_tag)


async def closes_twice_and_opens_again(world: World) -> None:
    driver = world.driver()
    await driver.close()
    for _ in range(2):
        await driver.open()
        await driver.close()
        await driver.close()


async def cannot_open_what_is_not_there(world: World) -> None:
    _may(world, "disconnect")
    await world.disconnect()
    driver = world.driver()
    with pytest.raises((LinkDown, DeviceTimeout)):
        async with asyncio.timeout(PATIENCE_S):
            await driver.open()
    await driver.close()


async def survives_a_cancelled_read(world: World) -> None:
    _may(world, "hang")
    driver = world.driver()
    await driver.open()
    try:
        block = _blocks(world, driver)[0]
        await world.hang(True)
        reading = asyncio.ensure_future(driver.read(block))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading], timeout=PATIENCE_S)
        assert reading.done()
        await world.hang(False)
    finally:
        await driver.close()
    await reads_what_is_there(world)


async def comes_back_after_a_disconnection(world: World) -> None:
    _may(world, "disconnect")
    async with living(world) as (device, received):
        await world.disconnect()
        await until(
            lambda: all(is_bad(received.last_quality(tag.path)) for tag in world.tags),
            PATIENCE_S,
            "every point bad",
        )
        assert device.status().last_error is not None
        await world.connect()
        await until(lambda: good(world, received), PATIENCE_S, "good values after the outage")


async def times_out_when_the_peer_hangs_and_comes_back(world: World) -> None:
    _may(world, "hang")
    async with living(world) as (device, received):
        await world.hang(True)
        await until(
            lambda: all(is_bad(received.last_quality(tag.path)) for tag in world.tags),
            PATIENCE_S,
            "every point bad",
        )
        assert device.status().last_error is not None
        await world.hang(False)
        await until(lambda: good(world, received), PATIENCE_S, "good values after the silence")


async def a_refusal_concerns_its_own_tag_alone(world: World) -> None:
    _may(world, "refuse")
    assert world.refusable is not None
    await world.refuse(True)
    guilty = world.refusable.path
    received = Received([tag.path for tag in world.tags])
    ids = np.arange(len(world.tags), dtype=np.int32)
    device = Device("world", world.driver(), world.tags, ids, received, None, quick_backoff)
    task = asyncio.create_task(device.run())
    try:
        await until(
            lambda: all(received.qualities(tag.path) for tag in world.tags), PATIENCE_S, "all tags"
        )
        for tag in world.tags:
            assert is_bad(received.last_quality(tag.path)) == (tag.path == guilty), tag.path
        assert not task.done()
    finally:
        await device.stop()
        await world.refuse(False)


async def a_wrong_answer_is_noticed_and_never_stored(world: World) -> None:
    _may(world, "garble")
    async with living(world) as (device, received):
        before = device.status()
        await world.garble()
        await until(
            lambda: (
                device.status().reconnects > before.reconnects
                or device.status().timeouts > before.timeouts
            ),
            PATIENCE_S,
            "the wrong answer noticed",
        )
        await until(lambda: good(world, received), PATIENCE_S, "good values after it")
        for tag in world.tags:
            for value in received.values(tag.path):
                assert value is None or value == pytest.approx(world.expected[tag.path])


async def a_wrong_answer_is_a_desync_or_a_timeout(world: World) -> None:
    _may(world, "garble")
    driver = world.driver()
    await driver.open()
    try:
        await world.garble()
        with pytest.raises((Desync, DeviceTimeout, LinkDown)):
            for block in _blocks(world, driver):
                await driver.read(block)
    finally:
        await driver.close()


CHECKS: Sequence[Check] = (
    reads_what_is_there,
    decodes_a_row_a_point_in_the_blocks_order,
    says_in_words_what_is_wrong_with_an_address,
    closes_twice_and_opens_again,
    cannot_open_what_is_not_there,
    survives_a_cancelled_read,
    comes_back_after_a_disconnection,
    times_out_when_the_peer_hangs_and_comes_back,
    a_refusal_concerns_its_own_tag_alone,
    a_wrong_answer_is_noticed_and_never_stored,
    a_wrong_answer_is_a_desync_or_a_timeout,
)


def name_of(check: Check) -> str:
    return str(getattr(check, "__name__", check))
