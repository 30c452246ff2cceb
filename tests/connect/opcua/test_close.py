"""Closing lets go of everything, whatever state the server is in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lianji.base.errors import LinkDown
from lianji.connect.drivers.opcua.driver import OpcUaDriver
from tests.connect.opcua.watching import driver_of, read_all, until, watching
from tests.peers.opcua import OpcUaServer, opcua_server


def sockets() -> int:
    """How many sockets this process holds; a handle may close while we look."""
    held = 0
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held += str(handle.readlink()).startswith("socket:")
    return held


async def close_after(driver: OpcUaDriver, fate: Callable[[], None]) -> None:
    """Open, subscribe, let the server meet its fate, close, and look at what is left."""
    before = sockets()
    await driver.open()
    async with watching(driver, ["ns=1;s=V0"]) as watched:
        await until(watched.of, "the first value")
        fate()
    await driver.close()
    await driver.close()
    await until(lambda: len(asyncio.all_tasks()) == 1, "all tasks to end", timeout_s=3)
    await until(lambda: sockets() == before, "all sockets to close", timeout_s=3)


async def test_no_task_and_no_socket_outlives_a_close(server: OpcUaServer) -> None:
    driver = driver_of(server)
    await close_after(driver, lambda: None)
    with pytest.raises(LinkDown):
        await read_all(driver, ["ns=1;s=V0"])


async def test_no_task_and_no_socket_outlives_a_server_that_hangs_or_dies() -> None:
    with opcua_server(variables=1) as mortal:
        driver = driver_of(mortal, timeout_ms=1500)
        await close_after(driver, mortal.freeze)
        mortal.thaw()
        await close_after(driver, mortal.kill)
