"""The driver against npm's sparkplug-client behind a real mosquitto."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from lianji.base.clock import now_us
from lianji.connect.drivers.mqtt.driver import MqttDriver
from lianji.connect.drivers.mqtt.sparkplug_b import NewPayload
from lianji.dictionary.quality import Quality
from tests.connect.mqtt.conftest import config, publisher, running, tags, until
from tests.peers import free_port
from tests.peers.mqtt import SparkplugNode, mosquitto, sparkplug_node

WANTED = tags(
    "spb:G/E#Speed", "spb:G/E/D#Folder/Temp", "spb:G/E/D#Count", "spb:G/E/D#Note", "spb:G/E/D#Run"
)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with mosquitto(tmp_path, free_port()) as broker:
        yield broker.port


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def metric(name: str, alias: int, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "alias": alias, "type": kind, "value": value, **more}


def births(node: SparkplugNode, speed: float = 10.0) -> None:
    at = now_ms()
    node.tell(
        "nbirth",
        payload={
            "timestamp": at,
            "metrics": [
                metric("Speed", 1, "Double", speed),
                metric("Node Control/Rebirth", 2, "Boolean", False),
            ],
        },
    )
    node.tell(
        "dbirth",
        device="D",
        payload={
            "timestamp": at,
            "metrics": [
                metric("Folder/Temp", 11, "Float", 20.5),
                metric("Count", 12, "Int32", -7),
                metric("Note", 13, "String", "一号机"),
                metric("Run", 14, "Boolean", True),
            ],
        },
    )


async def births_before(port: int, node: SparkplugNode) -> None:
    """Births that are over when this returns: who subscribes later has missed them."""
    async with publisher(port) as observer:
        await observer.subscribe("spBv1.0/G/DBIRTH/E/D")
        births(node)
        await anext(observer.messages)


def alias(number: int, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"alias": number, "type": kind, "value": value, **more}


async def test_births_aliases_and_historical_data_of_a_real_edge_node(port: int) -> None:
    async with running(config(port), WANTED) as run:
        with sparkplug_node(port, "G", "E") as node:
            births(node)
            assert await run.values(0, 1) == [10.0]
            assert [(await run.values(n, 1))[0] for n in (1, 2, 3, 4)] == [20.5, -7.0, None, 1.0]
            assert run.of(3)[0].text == "一号机"
            then = now_ms() - 3_600_000
            old = alias(11, "Float", 1.5, timestamp=then, isHistorical=True)
            new = [alias(11, "Float", 21.5, timestamp=then + 99), alias(12, "Int32", -8)]
            node.tell("ddata", device="D", payload={"timestamp": now_ms(), "metrics": [old, *new]})
            assert await run.values(1, 3) == [20.5, 1.5, 21.5]
            assert [sample.time_us for sample in run.of(1)[1:]] == [then * 1000, (then + 99) * 1000]
            assert await run.values(2, 2) == [-7.0, -8.0]
            assert {sample.quality for sample in run.seen} == {Quality.GOOD}
            shown = run.driver.diagnosis()
            assert (shown["births"], shown["sequence_gaps"], shown["historical"]) == (2, 0, 1)


async def test_compressed_births_are_read(port: int) -> None:
    async with running(config(port), WANTED[:1]) as run:
        with sparkplug_node(port, "G", "E") as node:
            payload = {"timestamp": now_ms(), "metrics": [metric("Speed", 1, "Double", 2.5)]}
            for algorithm in ("DEFLATE", "GZIP"):
                options = {"compress": True, "algorithm": algorithm}
                node.tell("nbirth", payload=payload, options=options)
            assert await run.values(0, 2) == [2.5, 2.5]


async def test_whoever_comes_late_asks_for_a_rebirth_and_gets_it(port: int) -> None:
    with sparkplug_node(port, "G", "E") as node:
        await births_before(port, node)
        async with running(config(port), WANTED) as run:
            asked = await asyncio.to_thread(node.await_event, "ncmd")
            assert asked["metrics"] == [{"name": "Node Control/Rebirth", "value": True}]
            births(node, speed=11.0)
            assert await run.values(0, 1) == [11.0]
            assert await run.values(4, 1) == [1.0]
            assert run.driver.diagnosis()["rebirth_requests"] == 1


async def test_a_lost_message_is_noticed_and_a_rebirth_is_asked_for(port: int) -> None:
    async with running(config(port, rebirth_interval_s=0.2), WANTED) as run:
        with sparkplug_node(port, "G", "E") as node:
            births(node)
            await run.values(4, 1)
            asked = run.driver.diagnosis()["rebirth_requests"]
            node.tell("skip")
            payload = {"timestamp": now_ms(), "metrics": [alias(1, "Double", 12.0)]}
            node.tell("ndata", payload=payload)
            assert await run.values(0, 2) == [10.0, 12.0]
            assert run.driver.diagnosis()["sequence_gaps"] == 1
            await until(lambda: run.driver.diagnosis()["rebirth_requests"] > asked)


async def test_a_crafted_message_out_of_sequence_is_noticed(port: int) -> None:
    async with running(config(port), WANTED) as run:
        with sparkplug_node(port, "G", "E") as node:
            births(node)
            await run.values(4, 1)
            crafted = NewPayload()
            crafted.timestamp, crafted.seq = now_ms(), 200
            async with publisher(port) as client:
                await client.publish("spBv1.0/G/NDATA/E", crafted.SerializeToString())
                await client.publish("spBv1.0/G/NDATA/E", b"\xff\xff not protobuf")
                await until(lambda: run.driver.diagnosis()["bad_payloads"] == 1)
            shown = run.driver.diagnosis()
            assert shown["sequence_gaps"] == 1
            assert shown["last_bad_payload"] == "spBv1.0/G/NDATA/E: not a Sparkplug B payload"


async def test_no_command_is_ever_sent_where_rebirth_is_switched_off(port: int) -> None:
    async with publisher(port) as client:
        await client.subscribe("spBv1.0/+/NCMD/#")
        async with running(config(port, rebirth=False), WANTED) as run:
            with sparkplug_node(port, "G", "E") as node:
                births(node)
                node.tell("skip")
                payload = {"timestamp": now_ms(), "metrics": [alias(1, "Double", 12.0)]}
                node.tell("ndata", payload=payload)
                await run.values(0, 2)
            await until(lambda: run.driver.diagnosis()["sequence_gaps"] == 1)
        await client.publish("spBv1.0/end/NCMD/end", b"the end")
        assert (await anext(client.messages)).payload == b"the end"


async def test_death_of_a_device_and_of_its_node_makes_their_tags_bad(port: int) -> None:
    async with running(config(port), WANTED) as run:
        with sparkplug_node(port, "G", "E") as node:
            births(node)
            await run.values(4, 1)
            node.tell("ddeath", device="D", payload={"timestamp": now_ms()})
            await run.values(1, 2)
            assert run.of(1)[-1].quality == Quality.BAD_NO_COMMUNICATION
            assert len(run.of(0)) == 1
            before_us = now_us()
        # the process was killed: the broker publishes its will
        await run.values(0, 2)
        assert run.of(0)[-1].quality == Quality.BAD_NO_COMMUNICATION
        assert run.of(0)[-1].time_us >= before_us
        assert len(run.of(1)) == 2
        assert run.driver.diagnosis()["deaths"] == 2


async def test_browse_asks_a_node_for_its_births_and_shows_its_metrics(port: int) -> None:
    driver = MqttDriver(config(port, browse_s=20))
    found = {}
    with sparkplug_node(port, "G", "E") as node:
        await births_before(port, node)

        async def answer() -> None:
            await asyncio.to_thread(node.await_event, "ncmd")
            births(node)

        answering = asyncio.create_task(answer())
        async with publisher(port) as client, aclosing(driver.browse()) as heard:
            await client.publish("hello", b"1", qos=1, retain=True)
            async for item in heard:
                found[item.address] = (item.type, item.description, item.value)
                if item.address == "hello":  # it is listening: the node says something now
                    payload = {"timestamp": now_ms(), "metrics": [alias(1, "Double", 12.0)]}
                    node.tell("ndata", payload=payload)
                if len(found) == 8:
                    break
        await answering
    assert found["spb:G/E/D#Folder/Temp"] == ("number", "Float", "20.5")
    assert found["spb:G/E/D#Note"] == ("string", "String", "一号机")
    assert found["spb:G/E#Speed"] == ("number", "Double", "10")
