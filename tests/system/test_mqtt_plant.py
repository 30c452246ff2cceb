"""A plant behind a real mosquitto: a publisher, a Sparkplug node, a broker that dies."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from lianji.base.clock import from_us
from tests.peers import free_port, listening, wait_until
from tests.peers.mqtt import SparkplugNode, mosquitto, sparkplug_node
from tests.system.plant import (
    PlantProcess,
    is_bad,
    is_good,
    lianji_command,
    plant_process,
    write_device,
    write_plant,
    write_tags,
)

pytestmark = pytest.mark.system


class Broker:
    """A mosquitto that can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._stack = ExitStack()

    def start(self) -> None:
        self._stack.enter_context(mosquitto(self._folder, self.port))

    def kill(self) -> None:
        self._stack.close()
        wait_until(lambda: not listening(self.port), what="the broker's end")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def folder(tmp_path: Path, broker: Broker) -> Path:
    folder = write_plant(tmp_path / "plant")
    write_device(
        folder,
        "sensors",
        "mqtt",
        host="127.0.0.1",
        port=broker.port,
        time_path="ts",
        rebirth_interval_s=0.5,
    )
    write_tags(
        folder,
        "sensors",
        "p/dryer/dew_point,factory/dryer#dew.point",
        "p/dryer/state,factory/dryer#state,string",
        "p/meter/power,factory/power",
        "p/node/speed,spb:G/E#Speed",
    )
    return folder


@pytest.fixture
def plant(folder: Path) -> Iterator[PlantProcess]:
    with plant_process(folder) as plant:
        plant.wait_device("sensors", lambda device: device["state"] in ("running", "degraded"))
        yield plant


async def publish(port: int, topic: str, payload: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        content = payload if isinstance(payload, bytes | str) else json.dumps(payload)
        await client.publish(topic, content, qos=1)


async def test_payloads_arrive_with_value_quality_and_their_own_time(
    plant: PlantProcess, broker: Broker
) -> None:
    measured = datetime(2026, 1, 31, 8, 0, 0, 250_000, tzinfo=UTC)
    message = {"ts": measured.isoformat(), "dew": {"point": -38.5}, "state": "再生"}
    await publish(broker.port, "factory/dryer", message)
    await publish(broker.port, "factory/power", "12.75")
    plant.wait_last("p/dryer/dew_point", lambda row: row["value"] == -38.5)
    plant.wait_last("p/dryer/state", lambda row: row["text"] == "再生")
    plant.wait_last("p/meter/power", lambda row: row["value"] == 12.75)
    plant.stop()
    rows = [row for row in plant.read("p/dryer/dew_point") if is_good(row)]
    assert [(row["time"], row["value"]) for row in rows] == [(measured, -38.5)]
    [power] = [row for row in plant.read("p/meter/power") if is_good(row)]
    assert abs(time.time() - power["time"].timestamp()) < 60


async def test_payloads_that_are_no_numbers_are_bad_and_stop_nothing(
    plant: PlantProcess, broker: Broker
) -> None:
    for payload in (b"{not json", b'{"dew":{"point":NaN}}', b"9" * 400, b"\xff\xfe", b""):
        await publish(broker.port, "factory/dryer", payload)
        await publish(broker.port, "factory/power", payload)
    message = {"ts": time.time() + 60, "dew": {"point": -20}, "state": "ok"}
    await publish(broker.port, "factory/dryer", message)
    await publish(broker.port, "factory/power", "5")
    plant.wait_last("p/dryer/dew_point", lambda row: row["value"] == -20)
    plant.wait_last("p/meter/power", lambda row: row["value"] == 5)
    plant.stop()
    for tag in ("p/dryer/dew_point", "p/meter/power"):
        rows = plant.read(tag)
        assert is_good(rows[-1])
        assert any(is_bad(row) for row in rows)


async def test_a_broker_that_dies_makes_its_tags_bad_and_they_come_back_with_it(
    plant: PlantProcess, broker: Broker
) -> None:
    await publish(broker.port, "factory/power", "1.5")
    plant.wait_last("p/meter/power", is_good)
    broker.kill()
    plant.wait_last("p/meter/power", is_bad)
    said = plant.wait_device("sensors", lambda device: device["state"] == "fault")
    assert str(broker.port) in said["error"]["cause"]["en"]
    assert str(broker.port) in said["error"]["cause"]["zh"]
    doctor = lianji_command("doctor", "--plant", plant.folder)
    assert doctor.returncode == 1
    assert b"device sensors" in doctor.stdout
    broker.start()
    plant.wait_device("sensors", lambda device: device["state"] != "fault", timeout_s=60)
    await publish(broker.port, "factory/power", "2.5")
    plant.wait_last("p/meter/power", lambda row: row["value"] == 2.5)
    plant.stop()


def test_a_sparkplug_node_is_born_speaks_and_dies(plant: PlantProcess, broker: Broker) -> None:
    with sparkplug_node(broker.port, "G", "E") as node:
        at_ms = time.time_ns() // 1_000_000
        node.tell("nbirth", payload={"timestamp": at_ms, "metrics": [_speed(10.0)]})
        plant.wait_last("p/node/speed", lambda row: row["value"] == 10)
        data = {"timestamp": at_ms + 5, "metrics": [_speed(11.5, at_ms + 5)]}
        node.tell("ndata", payload=data)
        row = plant.wait_last("p/node/speed", lambda row: row["value"] == 11.5)
        assert datetime.fromisoformat(row["time"]) == from_us((at_ms + 5) * 1000)
        _die(node)
        plant.wait_last("p/node/speed", is_bad)
    plant.stop()


def _speed(value: float, time_ms: int | None = None) -> dict[str, Any]:
    metric: dict[str, Any] = {"name": "Speed", "alias": 1, "type": "Double", "value": value}
    return metric if time_ms is None else {**metric, "timestamp": time_ms}


def _die(node: SparkplugNode) -> None:
    """Without goodbye: the broker publishes the node's last will."""
    child: subprocess.Popen[str] = node.child
    child.kill()


def test_a_broker_with_wrong_settings_leaves_the_other_running_and_is_named(
    folder: Path, broker: Broker
) -> None:
    write_device(folder, "wrong", "mqtt", host="127.0.0.1", qos=7)
    write_device(folder, "absent", "mqtt", host="127.0.0.1", port=free_port())
    write_tags(folder, "absent", "p/absent/x,some/topic")
    with plant_process(folder) as plant:
        plant.wait_device("sensors", lambda device: device["state"] in ("running", "degraded"))
        said = plant.wait_device("absent", lambda device: bool(device["error"]))
        assert said["error"]["remedy"]["en"]
        [problem] = plant.status()["problems"]
        assert "wrong.toml" in problem["cause"]["en"] and "qos" in problem["cause"]["en"]
        plant.stop()
