"""A hub and its plant as two processes: it joins, sends, is seen, stops and is missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lianji.node.enrolment import create_hub
from lianji.node.folder import PlantFolder
from tests.peers import free_port, wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = pytest.mark.system


def made_hub(folder: Path) -> Path:
    write_plant(folder)
    create_hub(PlantFolder(folder), "north")
    settings = folder / "lianji.toml"
    settings.write_text(settings.read_text().replace("port = 8461", f"port = {free_port()}"))
    return folder


def row_of(hub: PlantProcess) -> dict[str, Any]:
    [row] = hub.get("/api/hub/plants")["plants"]
    return dict(row)


def test_a_plant_that_joined_is_seen_with_its_figures(tmp_path: Path) -> None:
    hub_folder, edge_folder = made_hub(tmp_path / "hub"), write_plant(tmp_path / "edge")
    with plant_process(hub_folder) as hub:
        line = lianji_command("hub", "invite", "park1", "--plant", hub_folder)
        assert line.returncode == 0, line.stderr.decode()
        assert row_of(hub)["state"] == "invited"
        words = line.stdout.decode().split()[1:]
        joined = lianji_command(*words, "--plant", edge_folder)
        assert joined.returncode == 0, joined.stderr.decode()
        with plant_process(edge_folder) as edge:
            assert edge.write("line/press number=1.5").status_code == 204
            wait_until(lambda: row_of(hub)["state"] == "up", 30, "the plant is up")
            wait_until(lambda: row_of(hub)["newest_us"], 30, "its sample is here")
            row = row_of(hub)
            assert (row["troubles"], row["other_version"]) == ([], False)
            assert row["disk_free_bytes"] > 0
            assert (row["backlog_records"], row["refused_tags"]) == (0, 0)
            said = lianji_command("hub", "status", "--json", "--plant", hub_folder)
            assert json.loads(said.stdout)["plants"][0]["version"] == row["version"]
            assert hub.get("/api/hub/plants/park1")["devices"] == []
        assert lianji_command("hub", "revoke", "park1", "--plant", hub_folder).returncode == 0
        wait_until(lambda: row_of(hub)["state"] == "revoked", 10, "it is shut out")
        assert hub.status()["problems"] == []
