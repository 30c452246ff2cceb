"""A plant that reads a node-opcua server: values, source times, a server that dies, lost nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lianji.dictionary.quality import Quality
from tests.peers import free_port, wait_until
from tests.peers.opcua import PLANT_NAMESPACE, OpcUaServer, opcua_server
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


@pytest.fixture(scope="module")
def server() -> Iterator[OpcUaServer]:
    """One server for all tests; it takes its time to start."""
    with opcua_server(variables=3) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: OpcUaServer) -> Path:
    folder = write_plant(tmp_path / "plant")
    write_device(folder, "imm", "opcua", url=server.url, publishing_ms=50, timeout_ms=2000)
    write_tags(
        folder,
        "imm",
        "p/imm/temperature,ns=1;s=Double",
        "p/imm/pressure,ns=1;s=Float",
        "p/imm/running,ns=1;s=Bool",
        "p/imm/program,ns=1;s=String",
        f"p/imm/elsewhere,nsu={PLANT_NAMESPACE};s=Elsewhere",
        "p/imm/second,ns=1;s=Doubles[1]",
    )
    return folder


@pytest.fixture
def plant(folder: Path) -> Iterator[PlantProcess]:
    with plant_process(folder) as plant:
        yield plant


def test_values_texts_and_source_times_arrive_in_the_history(
    plant: PlantProcess, server: OpcUaServer
) -> None:
    server.tell("set ns=1;s=Double 20.5")
    plant.wait_last("p/imm/temperature", lambda row: row["value"] == 20.5)
    plant.wait_last("p/imm/running", lambda row: row["value"] == 1)
    plant.wait_last("p/imm/program", lambda row: row["text"] == "wrench 扳手")
    plant.wait_last("p/imm/elsewhere", lambda row: row["value"] == 42.5)
    plant.wait_last("p/imm/second", lambda row: row["value"] == 2.5)
    measured = datetime(2033, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
    server.tell(f"set ns=1;s=Float 21.5 Good {measured:%Y-%m-%dT%H:%M:%S.123Z}")
    plant.wait_last("p/imm/pressure", lambda row: row["value"] == 21.5)
    server.tell("set ns=1;s=Bool false BadSensorFailure 2033-05-06T07:08:09.000Z")
    plant.wait_last("p/imm/running", is_bad)
    plant.stop()
    [row] = [row for row in plant.read("p/imm/pressure") if row["value"] == 21.5]
    assert (row["time"], row["quality"]) == (measured, 0)
    assert plant.read("p/imm/running")[-1]["quality"] == Quality.BAD_SENSOR_FAILURE


def test_a_server_that_dies_makes_its_tags_bad_and_they_come_back_with_it(
    plant: PlantProcess, server: OpcUaServer
) -> None:
    plant.wait_last("p/imm/temperature", is_good)
    server.kill()
    assert plant.wait_last("p/imm/temperature", is_bad)["value"] is None
    said = plant.wait_device("imm", lambda device: device["state"] == "fault")
    assert str(server.port) in said["error"]["cause"]["en"]
    assert str(server.port) in said["error"]["cause"]["zh"]
    shown = lianji_command("status", "--plant", plant.folder)
    assert b"imm" in shown.stdout
    assert str(server.port).encode() in shown.stdout + shown.stderr
    server.start(variables=3)
    plant.wait_last("p/imm/temperature", is_good, timeout_s=60)
    plant.wait_device("imm", lambda device: device["state"] == "running" and not device["error"])
    server.tell("set ns=1;s=Double 33.5")
    plant.wait_last("p/imm/temperature", lambda row: row["value"] == 33.5)
    plant.stop()


def test_a_node_that_is_not_there_is_bad_by_itself_and_named(
    folder: Path, server: OpcUaServer
) -> None:
    write_tags(
        folder,
        "imm",
        "p/imm/temperature,ns=1;s=Double",
        "p/imm/vanished,ns=1;s=NotThere",
        "p/imm/wrong,not a node id",
    )
    with plant_process(folder) as plant:
        plant.wait_last("p/imm/temperature", is_good)
        plant.wait_last("p/imm/vanished", is_bad)
        plant.wait_device("imm", lambda device: device["state"] == "degraded")
        check = lianji_command("tag", "check", "--plant", folder)
        assert check.returncode == 1
        assert b"p/imm/wrong" in check.stdout and b"not a node id" in check.stdout
        plant.stop()


def test_a_wrong_device_file_leaves_the_other_server_running(
    folder: Path, server: OpcUaServer
) -> None:
    write_device(folder, "other", "opcua", url="http://nonsense")
    write_device(folder, "absent", "opcua", url=f"opc.tcp://127.0.0.1:{free_port()}")
    write_tags(folder, "absent", "p/absent/x,ns=1;s=Double")
    with plant_process(folder) as plant:
        plant.wait_last("p/imm/temperature", is_good)
        wait_until(lambda: plant.device("absent")["error"], what="the absent server's error")
        [problem] = plant.status()["problems"]
        assert "other.toml" in problem["cause"]["en"]
        doctor = lianji_command("doctor", "--plant", folder)
        assert doctor.returncode == 1
        assert b"other.toml" in doctor.stdout and b"device absent" in doctor.stdout
        plant.stop()
