"""A broker that keeps messages for us hears yes when they are on disk, not before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from lianji.base.errors import StorageError, Text
from lianji.connect.backoff import Backoff
from lianji.connect.drivers.mqtt.driver import MqttDriver
from lianji.connect.engine import Device
from lianji.dictionary.batch import Batch
from tests.connect.mqtt.conftest import config, publisher, tags, until
from tests.peers import free_port
from tests.peers.mqtt import mosquitto

FIVE = [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with mosquitto(tmp_path, port):
        yield port


class Disk:
    """A sink that takes batches, refuses so many of them first, or says nothing while it hangs."""

    def __init__(self, refuses: int = 0, hangs: bool = False) -> None:
        self.refuses, self.hangs = refuses, hangs
        self.asked = 0
        self.values: list[float] = []

    async def append(self, batch: Batch) -> int:
        told = [value for value in batch.samples["value"].to_pylist() if value is not None]
        self.asked += len(told)
        if self.hangs:
            await asyncio.Event().wait()
        if told and self.refuses:
            self.refuses -= 1
            raise StorageError("disk-full", Text("The disk is full.", "磁盘已满。"), Text("", ""))
        self.values += told
        return 1


@asynccontextmanager
async def plant(port: int, disk: Disk) -> AsyncIterator[MqttDriver]:
    """A device with a session that the broker keeps; ends as if its process were killed."""
    driver = MqttDriver(config(port, clean_start=False, client_id="cell"))
    device = Device(
        "cell",
        driver,
        tags("p"),
        np.array([0], np.int32),
        disk,
        backoff=lambda: Backoff(first_s=0.05, longest_s=0.2),
    )
    running = asyncio.create_task(device.run())
    try:
        await until(lambda: driver.diagnosis()["subscribed"], what="subscribed")
        yield driver
    finally:
        running.cancel()
        await asyncio.wait([running])


async def publish(port: int) -> None:
    async with publisher(port) as client:
        for value in FIVE:
            await client.publish("p", str(value), qos=1)


async def test_what_was_not_stored_is_offered_again(port: int) -> None:
    disk = Disk(refuses=2)
    async with plant(port, disk):
        await publish(port)
        await until(lambda: set(FIVE) <= set(disk.values), what="all five in the end")
    assert disk.refuses == 0


async def test_a_plant_that_dies_before_its_yes_gets_the_messages_again(port: int) -> None:
    never = Disk(hangs=True)
    async with plant(port, never):
        await publish(port)
        await until(lambda: never.asked == len(FIVE), what="all five came")
    disk = Disk()
    async with plant(port, disk):
        await until(lambda: set(FIVE) <= set(disk.values), what="all five once more")


async def test_what_was_stored_is_not_offered_again(port: int) -> None:
    disk = Disk()
    async with plant(port, disk):
        await publish(port)
        await until(lambda: disk.values == FIVE, what="all five")
    again = Disk()
    async with plant(port, again):
        async with publisher(port) as client:
            await client.publish("p", "6", qos=1)
        await until(lambda: again.values, what="the sixth")
    assert again.values == [6.0]
