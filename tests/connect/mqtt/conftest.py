"""What the MQTT tests share: a driver that runs against a real broker, and what it emitted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import numpy as np
import pytest

from lianji.connect.driver import Columns
from lianji.connect.drivers.mqtt.config import MqttConfig
from lianji.connect.drivers.mqtt.driver import MqttDriver
from lianji.dictionary.tag import Tag


@dataclass(frozen=True)
class Sample:
    number: int
    time_us: int
    value: float | None
    quality: int
    text: str | None


def samples(columns: Columns) -> list[Sample]:
    texts = columns.texts or [None] * len(columns)
    return [
        Sample(
            int(columns.numbers[row]),
            int(columns.times_us[row]),
            None if np.isnan(columns.values[row]) else float(columns.values[row]),
            int(columns.quality[row]),
            texts[row],
        )
        for row in range(len(columns))
    ]


async def until(condition: Callable[[], Any], timeout_s: float = 20.0, what: str = "") -> Any:
    """Wait for a condition without holding up the loop; fails when the time is over."""
    deadline_s = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {timeout_s} s: {what or condition}")
        await asyncio.sleep(0.005)
    return found


@dataclass
class Running:
    """An open driver with a subscription, and all that it emitted."""

    driver: MqttDriver
    task: asyncio.Task[None]
    seen: list[Sample] = field(default_factory=list)

    def of(self, number: int) -> list[Sample]:
        return [sample for sample in self.seen if sample.number == number]

    async def values(self, number: int, count: int) -> list[float | None]:
        await until(lambda: len(self.of(number)) >= count, what=f"{count} samples of {number}")
        return [sample.value for sample in self.of(number)]


def tags(*addresses: str | tuple[str, str]) -> list[Tag]:
    """One tag an address, or an address with its type."""
    pairs = [given if isinstance(given, tuple) else (given, "") for given in addresses]
    return [
        Tag(path=f"plant/tag{number}", address=address, type=type_name)
        for number, (address, type_name) in enumerate(pairs)
    ]


def config(port: int, **more: Any) -> MqttConfig:
    return MqttConfig(protocol="mqtt", host="127.0.0.1", port=port, **more)


@asynccontextmanager
async def running(
    config: MqttConfig, tags: Sequence[Tag], driver: MqttDriver | None = None
) -> AsyncIterator[Running]:
    """Open, subscribe, and let go at the end; the subscription is in force when this yields."""
    driver = driver or MqttDriver(config)
    points = [driver.parse(tag) for tag in tags]
    await driver.open()
    seen: list[Sample] = []
    task = asyncio.create_task(
        driver.subscribe(points, range(len(points)), lambda columns: seen.extend(samples(columns)))
    )
    try:
        await until(lambda: driver.diagnosis()["subscribed"] or task.done(), what="subscribed")
        yield Running(driver, task, seen)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await driver.close()


@asynccontextmanager
async def publisher(port: int, **more: Any) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", port, **more) as client:
        yield client
