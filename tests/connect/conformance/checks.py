"""The checks themselves; each takes a ``World`` and asks one thing of its driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lianji.base.errors import Desync, DeviceError, DeviceTimeout, LinkDown
from lianji.connect.driver import Driver
from lianji.connect.engine import CLOSE_S
from lianji.connect.statistics import State
from lianji.dictionary.quality import is_bad
from tests.connect.conformance.world import (
    PATIENCE_S,
    Fault,
    World,
    answers,
    bad,
    good,
    living,
    nothing_wrong,
    polled_blocks,
    started,
)
from tests.connect.framework import until


@dataclass(frozen=True, slots=True)
class Check:
    """``between``: it needs somebody between the driver and its peer, who meddles."""

    name: str
    run: Callable[[World], Awaitable[None]]
    between: bool = False


def name_of(check: Check) -> str:
    return check.name


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[Driver[Any]]:
    driver = world.driver()
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


# ---- good days


async def reads_what_is_there(world: World) -> None:
    async with living(world) as (device, received):
        for tag in world.tags:
            assert received.values(tag.path)[-1] == pytest.approx(world.expected[tag.path])
        await until(lambda: device.status().last_error is None, PATIENCE_S, "no error")
        assert device.status().state == State.RUNNING


async def decodes_a_row_a_point_in_the_blocks_order(world: World) -> None:
    async with opened(world) as driver:
        for block in polled_blocks(world, driver):
            columns = driver.decode(block, await driver.read(block), 1_700_000_000_000_000)
            assert columns.numbers.tolist() == block.numbers.tolist()
            assert columns.numbers.dtype == np.int32 and columns.times_us.dtype == np.int64
            assert columns.values.dtype == np.float64 and columns.quality.dtype == np.uint16
            assert len({len(columns.values), len(columns.times_us), len(columns.quality)}) == 1


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


# ---- nobody there


async def comes_back_after_a_disconnection(world: World) -> None:
    async with living(world) as (device, received):
        await world.disconnect()
        await bad(world, received)
        await until(lambda: device.status().last_error, PATIENCE_S, "the reason")
        await _cannot_open(world.driver())
        await world.connect()
        await good(world, received, "good values after the outage")
        nothing_wrong(world, received)


async def _cannot_open(driver: Driver[Any]) -> None:
    with pytest.raises((LinkDown, DeviceTimeout)):
        async with asyncio.timeout(PATIENCE_S):
            await driver.open()
    await driver.close()


# ---- nobody answers


async def survives_a_cancelled_read(world: World) -> None:
    async with opened(world) as driver:
        block = polled_blocks(world, driver)[0]
        await world.hang(True)
        reading = asyncio.ensure_future(driver.read(block))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading], timeout=PATIENCE_S)
        assert reading.done()
        await world.hang(False)
    await reads_what_is_there(world)


async def times_out_when_the_peer_hangs_and_comes_back(world: World) -> None:
    async with living(world) as (device, received):
        await world.hang(True)
        await bad(world, received)
        await until(lambda: device.status().last_error, PATIENCE_S, "the reason")
        await world.hang(False)
        await good(world, received, "good values after the silence")
        nothing_wrong(world, received)


async def opens_or_gives_up_in_time_when_the_peer_hangs(world: World) -> None:
    await world.hang(True)
    driver = world.driver()
    with suppress(LinkDown, DeviceTimeout):
        async with asyncio.timeout(PATIENCE_S):
            await driver.open()
    await driver.close()


async def lets_go_of_a_peer_that_hangs(world: World) -> None:
    driver = world.driver()
    await driver.open()
    await world.hang(True)
    async with asyncio.timeout(CLOSE_S):
        await driver.close()


# ---- no


async def a_refusal_concerns_its_own_tag_alone(world: World) -> None:
    await world.refuse()
    guilty = world.refusable.path
    async with started(world) as (_, received):
        await until(
            lambda: all(received.qualities(tag.path) for tag in world.tags), PATIENCE_S, "all tags"
        )
        for tag in world.tags:
            quality = received.last_quality(tag.path)
            assert is_bad(quality) == (tag.path == guilty), f"{tag.path}: {quality}"


# ---- late


async def reads_a_slow_peer(world: World) -> None:
    async with living(world) as (_, received):
        world.delay(0.3 * world.driver().config.timeout_ms / 1000)
        await answers(world, 3)
        await good(world, received, "good values, slowly")
        nothing_wrong(world, received)


async def never_takes_a_late_answer_for_anothers(world: World) -> None:
    async with living(world) as (_, received):
        world.delay(2.5 * world.driver().config.timeout_ms / 1000)
        await bad(world, received)
        world.delay(0)
        await good(world, received, "good values after the delay")
        nothing_wrong(world, received)


# ---- wrong


def is_noticed_and_never_stored(fault: Fault) -> Check:
    """The device connects anew, or counts a time-out, and is good again."""

    async def run(world: World) -> None:
        async with living(world) as (device, received):
            before = device.status()
            world.spoil(fault)
            await until(world.spoilt, PATIENCE_S, f"an answer spoilt: {fault}")
            await until(
                lambda: (
                    device.status().reconnects > before.reconnects
                    or device.status().timeouts > before.timeouts
                ),
                PATIENCE_S,
                "the wrong answer noticed",
            )
            await good(world, received, "good values after it")
            nothing_wrong(world, received)

    return Check(f"{_words(fault)}_is_noticed_and_never_stored", run, between=True)


def is_a_device_error(fault: Fault) -> Check:
    """Whoever reads is told in one of our words, and not with what the decoder tripped over."""

    async def run(world: World) -> None:
        async with opened(world) as driver:
            world.spoil(fault)
            with pytest.raises(DeviceError) as caught:
                async with asyncio.timeout(PATIENCE_S):
                    for block in polled_blocks(world, driver):
                        await driver.read(block)
            assert isinstance(caught.value, Desync | DeviceTimeout | LinkDown)
            assert world.spoilt() == 1

    return Check(f"{_words(fault)}_is_a_desync_a_timeout_or_a_lost_link", run, between=True)


async def an_answer_given_twice_harms_nothing(world: World) -> None:
    async with living(world) as (_, received):
        world.spoil(Fault.TWICE)
        await until(world.spoilt, PATIENCE_S, "an answer given twice")
        await answers(world, 3)
        await good(world, received, "good values after it")
        nothing_wrong(world, received)


def _words(fault: Fault) -> str:
    return fault.value.replace(" ", "_")


_WRONG = (Fault.ANOTHER_ID, Fault.GARBAGE, Fault.HALF_AND_CUT, Fault.HALF_AND_SILENCE)

CHECKS: Sequence[Check] = (
    *(
        Check(check.__name__, check)
        for check in (
            reads_what_is_there,
            decodes_a_row_a_point_in_the_blocks_order,
            says_in_words_what_is_wrong_with_an_address,
            closes_twice_and_opens_again,
            comes_back_after_a_disconnection,
            survives_a_cancelled_read,
            times_out_when_the_peer_hangs_and_comes_back,
            opens_or_gives_up_in_time_when_the_peer_hangs,
            lets_go_of_a_peer_that_hangs,
        )
    ),
    *(
        Check(check.__name__, check, between=True)
        for check in (
            a_refusal_concerns_its_own_tag_alone,
            reads_a_slow_peer,
            never_takes_a_late_answer_for_anothers,
            an_answer_given_twice_harms_nothing,
        )
    ),
    *(is_noticed_and_never_stored(fault) for fault in _WRONG),
    *(is_a_device_error(fault) for fault in _WRONG),
)
