"""The driver inside the framework: what a plant sees of a server that comes, goes and returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from lianji.connect.driver import Driver
from lianji.connect.engine import Device
from lianji.connect.statistics import State
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from tests.connect.framework import Received, quick_backoff
from tests.connect.opcua.watching import driver_of, until
from tests.peers.opcua import opcua_server

TAGS = [
    Tag(path="site/polled", address="ns=1;s=Double", interval_ms=50),
    Tag(path="site/told", address="ns=1;s=V0"),
    Tag(path="site/nowhere", address="ns=1;s=Nope"),
    Tag(path="site/wrong", address="Nope"),
]


def column(received: Received, name: str, path: str) -> list[object]:
    rows = [row for batch in received.batches for row in batch.samples.to_pylist()]
    return [row[name] for row in rows if received.paths[row["tag"]] == path]


async def test_polled_and_subscribed_tags_survive_a_restart_of_the_server() -> None:
    received = Received([tag.path for tag in TAGS])
    ids = np.arange(len(TAGS), dtype=np.int32)

    def seen(path: str, what: object, name: str = "value") -> Callable[[], bool]:
        return lambda: column(received, name, path)[-1:] == [what]

    with opcua_server(variables=1) as server:
        driver: Driver[object] = driver_of(server)  # type: ignore[assignment]  # any driver will do
        device = Device("plc", driver, TAGS, ids, received, backoff=quick_backoff)
        running = asyncio.create_task(device.run())
        await until(seen("site/polled", 20.25), "the polled value")
        await until(seen("site/told", 0.0), "the subscribed value")
        await until(seen("site/nowhere", Quality.BAD_NODE_ID_UNKNOWN, "quality"), "the wrong node")
        server.tell("set ns=1;s=V0 7")
        await until(seen("site/told", 7.0), "the change")
        server.kill()
        bad = Quality.BAD_NO_COMMUNICATION
        await until(seen("site/told", bad, "quality"), "the loss of the subscribed tag")
        await until(seen("site/polled", bad, "quality"), "the loss of the polled tag")
        await until(lambda: device.status().state == State.BACKING_OFF, "the wait")
        server.start(variables=1)
        await until(seen("site/told", 0.0), "the subscribed value after the restart")
        await until(seen("site/polled", 20.25), "the polled value after the restart")
        await device.stop()
        await asyncio.wait([running])
    assert column(received, "quality", "site/wrong")[0] == Quality.BAD_CONFIGURATION_ERROR
