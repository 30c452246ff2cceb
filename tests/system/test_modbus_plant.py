"""A plant that reads Modbus devices of libmodbus, and what happens when they go away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from lianji.base.clock import from_us, now_us
from tests.peers import free_port, listening, wait_until
from tests.peers.modbus import libmodbus_server
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


class Presses:
    """Two libmodbus servers; the first can be killed and started again on its port."""

    def __init__(self) -> None:
        self.ports = free_port(), free_port()
        self._stacks: dict[int, ExitStack] = {}

    def start(self, number: int) -> None:
        stack = ExitStack()
        stack.enter_context(libmodbus_server(self.ports[number], "forbid", 500, 509))
        self._stacks[number] = stack

    def kill(self, number: int) -> None:
        self._stacks.pop(number).close()
        wait_until(lambda: not listening(self.ports[number]), what="the server's end")

    def end(self) -> None:
        for stack in self._stacks.values():
            stack.close()


@pytest.fixture
def presses() -> Iterator[Presses]:
    presses = Presses()
    try:
        presses.start(0)
        presses.start(1)
        yield presses
    finally:
        presses.end()


@pytest.fixture
def folder(tmp_path: Path, presses: Presses) -> Path:
    folder = write_plant(tmp_path / "plant")
    for number, port in enumerate(presses.ports, 1):
        write_device(
            folder,
            f"press{number}",
            "modbus",
            host="127.0.0.1",
            port=port,
            interval_ms=100,
            timeout_ms=500,
            heartbeat_s=0,
        )
    write_tags(
        folder,
        "press1",
        "p/press1/register,hr:7,uint16",
        "p/press1/input,ir:10,uint16",
        "p/press1/running,co:3,bool",
    )
    write_tags(folder, "press2", "p/press2/register,hr:42,uint16")
    return folder


@pytest.fixture
def plant(folder: Path) -> Iterator[PlantProcess]:
    with plant_process(folder) as plant:
        yield plant


def test_values_arrive_in_the_history_with_value_quality_and_time(
    plant: PlantProcess,
) -> None:
    before = from_us(now_us())
    wanted = {
        "p/press1/register": 7.0,
        "p/press1/input": 65_525.0,
        "p/press1/running": 1.0,
        "p/press2/register": 42.0,
    }
    for tag in wanted:
        plant.wait_last(tag, lambda row: is_good(row) and _time(row["time"]) > before)
    wait_until(lambda: plant.status()["history"]["rows"] > 0, what="a flush to the table")
    plant.stop()
    rows = plant.read(*wanted)
    assert {row["tag"] for row in rows} == set(wanted)
    for row in rows:
        assert row["value"] == wanted[row["tag"]]
        assert row["quality"] == 0
        assert abs((row["time"] - before).total_seconds()) < 120
    keys = [(row["tag"], row["time"]) for row in rows]
    assert len(keys) == len(set(keys))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_device_that_dies_is_bad_and_named_and_good_again_when_it_is_back(
    plant: PlantProcess, presses: Presses
) -> None:
    plant.wait_last("p/press1/register", is_good)
    presses.kill(0)
    bad = plant.wait_last("p/press1/register", is_bad)
    assert bad["value"] is None
    said = plant.wait_device("press1", lambda device: device["state"] == "fault")
    assert f"127.0.0.1:{presses.ports[0]}" in said["error"]["cause"]["en"]
    assert f"127.0.0.1:{presses.ports[0]}" in said["error"]["cause"]["zh"]
    assert said["error"]["remedy"]["en"]
    shown = lianji_command("status", "--plant", plant.folder)
    assert shown.returncode == 0
    assert b"press1" in shown.stdout
    assert str(presses.ports[0]).encode() in shown.stdout + shown.stderr
    doctor = lianji_command("doctor", "--plant", plant.folder)
    assert doctor.returncode == 1
    assert b"device press1" in doctor.stdout
    assert plant.device("press2")["state"] == "running"
    presses.start(0)
    plant.wait_last("p/press1/register", is_good)
    plant.wait_device("press1", lambda device: device["state"] == "running" and not device["error"])
    plant.stop()
    qualities = [is_good(row) for row in plant.read("p/press1/register")]
    assert qualities[0] and not all(qualities) and qualities[-1]


def test_a_forbidden_register_is_bad_by_itself(folder: Path) -> None:
    write_tags(
        folder,
        "press1",
        "p/press1/below,hr:499,uint16",
        "p/press1/forbidden,hr:505,uint16",
        "p/press1/above,hr:510,uint16",
    )
    with plant_process(folder) as plant:
        plant.wait_last("p/press1/below", lambda row: row["value"] == 499)
        plant.wait_last("p/press1/above", lambda row: row["value"] == 510)
        plant.wait_last("p/press1/forbidden", is_bad)
        said = plant.wait_device("press1", lambda device: device["state"] == "degraded")
        assert "refuses 1 tag" in said["state_text"]["en"]
        plant.stop()


def test_a_wrong_file_and_wrong_rows_leave_the_others_running_and_are_named(folder: Path) -> None:
    write_device(folder, "broken", "modbus", host="127.0.0.1", prot=1)
    (folder / "devices" / "torn.toml").write_text("protocol = ")
    write_tags(
        folder,
        "press1",
        "p/press1/register,hr:7,uint16",
        "p/press1/nowhere,zz:7,uint16",
        "p//empty,hr:8,uint16",
        "p/press1/register,hr:9,uint16",
    )
    (folder / "tags" / "lost.csv").write_text("path,device,address\np/lost/x,ghost,hr:1\n")
    with plant_process(folder) as plant:
        plant.wait_last("p/press1/register", lambda row: row["value"] == 7)
        plant.wait_last("p/press2/register", lambda row: row["value"] == 42)
        status = plant.status()
        problems = " ".join(problem["cause"]["en"] for problem in status["problems"])
        for name in ("broken.toml", "prot", "torn.toml", "p//empty", "press1.csv", "ghost"):
            assert name in problems
        assert all(problem["remedy"]["zh"] for problem in status["problems"])
        assert plant.device("press1")["state"] == "degraded"
        doctor = lianji_command("doctor", "--plant", folder)
        assert doctor.returncode == 1
        for name in (b"broken.toml", b"torn.toml", b"p//empty", b"ghost"):
            assert name in doctor.stdout
        check = lianji_command("tag", "check", "--plant", folder)
        assert check.returncode == 1
        assert b"p/press1/nowhere" in check.stdout
        plant.stop()
