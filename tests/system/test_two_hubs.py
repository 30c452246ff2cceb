"""Hubs as real processes: a drill of the loss of one, and a restore from nothing but a backup."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lianji.base.clock import now_us
from lianji.node.backup import back_up, restore
from lianji.node.drill.checks import check_edge, count_of
from lianji.node.drill.copies import copy_of_hub
from lianji.node.drill.edges import SimulatedEdge
from lianji.node.drill.hubs import DrilledHub, free_ports
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from tests.peers import wait_until
from tests.system.plant import lianji_command, lianji_program

pytestmark = pytest.mark.system


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def new_hub(folder: Path, port: int) -> DrilledHub:
    """A hub that flushes at once."""
    create_hub(PlantFolder(folder.with_name("new")), "hub-a")
    return DrilledHub(copy_of_hub(PlantFolder(folder.with_name("new")), folder, port), port)


def new_edge(stack: ExitStack, folder: Path, hub: DrilledHub, name: str = "park1") -> SimulatedEdge:
    with edges_of(hub.folder) as edges:
        edge = SimulatedEdge(folder, name, [hub.address], edges, now_us() - 60_000_000, 400)
    stack.callback(edge.close)
    return edge


def command(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    """A drill takes a minute where others work too."""
    return subprocess.run(
        [lianji_program(), *map(str, arguments)],
        env={**os.environ, "LIANJI_LANG": "en"},
        capture_output=True,
        timeout=240,
        check=False,
    )


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.mark.timeout(300)
def test_a_drill_fails_over_and_back_and_leaves_the_hub_alone(
    tmp_path: Path, stack: ExitStack
) -> None:
    [port] = free_ports(1)
    hub = new_hub(tmp_path / "hub", port)
    edge = new_edge(stack, tmp_path / "park1", hub)
    stack.callback(hub.stop)
    hub.start()
    edge.start()
    wait_until(lambda: edge.sent > 400, 20, "a history")
    edge.rest()
    wait_until(lambda: edge.acknowledged, 20, "it to be at the hub")
    hub.stop()
    before = files_of(hub.folder.root)

    report = tmp_path / "drill.json"
    done = command(
        "hub", "drill", "--plant", hub.folder.root, "--report", report, "--seconds", "1",
        "--edges", "2", "--work", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert files_of(hub.folder.root) == before
    assert not list(tmp_path.glob(".lianji-drill*"))
    found = json.loads(report.read_text())["report"]
    assert found["passed"] and found["rpo_samples"] == 0
    assert 0 < found["rto_all_s"] < found["rto_goal_s"]
    names = {check["name"] for check in found["checks"]}
    assert {"late", "told", "rto", "site first park1", "site second park1"} <= names
    assert {f"once {hub} drill-{n}" for hub in ("first", "second") for n in (1, 2)} <= names

    verify = ("hub", "drill", "--verify", "--plant", hub.folder.root, "--report", report)
    assert lianji_command(*verify).returncode == 0
    report.write_text(report.read_text().replace('"rpo_samples": 0', '"rpo_samples": 1'))
    forged = lianji_command(*verify)
    assert forged.returncode == 1 and b"drill-report-wrong" in forged.stderr


def test_a_hub_that_is_restored_from_its_backup_alone_gets_the_rest_from_its_edges(
    tmp_path: Path, stack: ExitStack
) -> None:
    [port] = free_ports(1)
    hub = new_hub(tmp_path / "hub", port)
    edge = new_edge(stack, tmp_path / "park1", hub)
    hub.start()
    edge.start()
    wait_until(lambda: count_of(hub.folder, edge) > 200, 20, "a history")
    back_up(hub.folder, tmp_path / "backup", 3, lambda *_: None)
    backed_up = edge.sent
    wait_until(lambda: edge.sent > backed_up + 200, 20, "what the backup lacks")
    hub.kill()
    hub.folder.root.rename(tmp_path / "burnt")

    restored = restore(tmp_path / "backup", tmp_path / "again", None, lambda *_: None)
    assert not restored.faults
    second = DrilledHub(PlantFolder(tmp_path / "again"), port)
    assert 0 < count_of(second.folder, edge) <= backed_up
    assert second.standing.promote().generation == 2
    stack.callback(second.stop)
    second.start()
    until_s = time.monotonic() + 20
    wait_until(lambda: edge.seen.told().number == 2, 20, "the edge to find it")
    edge.rest()
    wait_until(lambda: edge.acknowledged, until_s - time.monotonic(), "all of it")
    second.stop()
    assert [one.what for one in check_edge("again", second.folder, edge) if not one.passed] == []
    edge.sent += 1  # and the check does find what is missing
    failed = [one.name for one in check_edge("again", second.folder, edge) if not one.passed]
    assert failed == ["range again park1", "aggregates again park1"]
