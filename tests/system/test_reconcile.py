"""`lianji hub reconcile` between real processes, and the page that shows what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lianji.base.clock import now_us
from tests.peers import free_port, wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

HOUR_US = 3_600_000_000


@pytest.fixture
def hub_and_edge(tmp_path: Path) -> Iterator[tuple[PlantProcess, PlantProcess]]:
    """A hub that runs, and an edge that has joined it with an older history of its own."""
    port = free_port()
    door = f'name = "north"\nport = {port}\nreconcile_at = ""'
    hub = write_plant(tmp_path / "hub", hub=door)
    settings = hub / "lianji.toml"
    settings.write_text(settings.read_text().replace('name = "p"', 'name = "hq"'))
    edge = write_plant(tmp_path / "edge")
    made = lianji_command("hub", "init", hub)
    assert made.returncode == 0, made.stderr.decode()
    rows = tmp_path / "old.csv"
    first_s = now_us() // HOUR_US * 3600 - 2 * 86_400
    lines = [f"{first_s + n},{n}" for n in range(2000)]
    rows.write_text("time,old\n" + "\n".join(lines) + "\n")
    taken = lianji_command("import", rows, "--prefix", "p", "--plant", edge)
    assert taken.returncode == 0, taken.stderr.decode()
    with ExitStack() as stack:
        running = stack.enter_context(plant_process(hub))
        invited = lianji_command("hub", "invite", "p", "--plant", hub)
        assert invited.returncode == 0, invited.stderr.decode()
        line = invited.stdout.decode().split()[1:]
        joined = lianji_command(*line, "--plant", edge)
        assert joined.returncode == 0, joined.stderr.decode()
        yield running, stack.enter_context(plant_process(edge))


def test_old_history_is_found_missing_and_comes_and_then_all_is_equal(
    hub_and_edge: tuple[PlantProcess, PlantProcess],
) -> None:
    hub, edge = hub_and_edge
    ask = ("hub", "reconcile", "--plant", hub.folder)

    def heard() -> bool:
        said = lianji_command(*ask)
        return b"edge-not-there" not in said.stderr

    wait_until(heard, 30, "the edge to be heard")
    first = lianji_command(*ask, "--repair", "--json")
    assert first.returncode == 0, first.stderr.decode()
    (told,) = json.loads(first.stdout)
    assert told["run"]["state"] == "equal"
    assert sorted(r["value"] for r in hub.read("p/old")) == [float(n) for n in range(2000)]
    assert len(edge.read("p/old")) == 2000

    again = lianji_command(*ask)
    assert again.returncode == 0
    assert "hub and edge have the same. 2,000 samples of 1 tags" in again.stderr.decode()

    moment_us = now_us() // HOUR_US * HOUR_US - 24 * HOUR_US
    assert hub.write(f"p old=5 {moment_us}000\n").status_code == 204
    third = lianji_command(*ask, "--json")
    assert third.returncode == 1
    (told,) = json.loads(third.stdout)
    (one,) = told["differences"]
    assert (one["kind"], one["here"], one["there"]) == ("edge_lacks", 1, 0)
    assert (one["tag"], one["start_us"]) == ("p/old", moment_us)
    page = hub.http.get(f"{hub.address}/hub/reconcile", params={"lang": "zh"}).text
    assert one["tag"] in page
    assert "边缘缺少样本" in page
    problems = hub.status()["problems"]
    assert [problem["code"] for problem in problems] == ["reconcile-different"]
    assert lianji_command(*ask, "--repair").returncode == 0
    assert hub.status()["problems"] == []
    assert "/hub/reconcile" not in edge.http.get(f"{edge.address}/status").text
    assert edge.http.get(f"{edge.address}/hub/reconcile").status_code == 404
