"""hub status, export, verify, delete as people run them, of a hub that runs and one that stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lianji.base.clock import now_us
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from lianji.node.state_place import open_state
from lianji.relay.trust import tables
from lianji.relay.trust.certificates import new_key, request_of
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = pytest.mark.system
START_S = 1_790_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hub, which the edge park1 has joined."""
    made = write_plant(tmp_path / "hub")
    create_hub(PlantFolder(made), "north")
    settings = made / "lianji.toml"
    settings.write_text(settings.read_text().replace("port = 8461", "port = 0"))
    with edges_of(PlantFolder(made)) as edges:
        token = edges.invite("park1", ["park1"])
        edges.admit(token, request_of(new_key(), "park1"), "park1")
    return made


def push(plant: PlantProcess, site: str, count: int) -> None:
    lines = [f"{site}/line number={n + 0.25} {START_S + n}" for n in range(count)]
    assert plant.write("\n".join(lines), precision="s").status_code == 204


def revoke_long_ago(folder: Path) -> None:
    assert lianji_command("hub", "revoke", "park1", "--plant", folder).returncode == 0
    state = open_state(folder)
    with state.writing() as connection:
        connection.execute(tables.edges.update().values(revoked_us=now_us() - 60_000_000))
    state.close()


def test_the_status_of_a_hub_is_asked_of_the_running_one(folder: Path) -> None:
    stands = lianji_command("hub", "status", "--plant", folder)
    assert stands.returncode != 0
    assert b"plant-stopped" in stands.stderr
    with plant_process(folder):
        listed = lianji_command("hub", "status", "--plant", folder)
        assert listed.returncode == 0, listed.stderr.decode()
        assert b"park1" in listed.stdout
        assert b"not heard yet" in listed.stdout
        answer = json.loads(lianji_command("hub", "status", "--json", "--plant", folder).stdout)
        assert [row["name"] for row in answer["plants"]] == ["park1"]
        one = lianji_command("hub", "status", "park1", "--json", "--plant", folder)
        assert json.loads(one.stdout)["plant"]["sites"] == ["park1"]
        missing = lianji_command("hub", "status", "park2", "--plant", folder)
        assert missing.returncode != 0
        assert b"edge-missing" in missing.stderr


def test_a_plant_that_is_no_hub_says_so(tmp_path: Path) -> None:
    plain = write_plant(tmp_path / "plain")
    with plant_process(plain):
        asked = lianji_command("hub", "status", "--plant", plain)
        assert asked.returncode != 0
        assert b"hub-none" in asked.stderr


def test_a_site_is_handed_over_checked_and_deleted_while_the_hub_runs(
    folder: Path, tmp_path: Path
) -> None:
    to = tmp_path / "handed-over"
    with plant_process(folder) as plant:
        push(plant, "park1", 100)
        push(plant, "park2", 10)
        out = lianji_command("hub", "export", "park1", to, "--plant", folder)
        assert out.returncode == 0, out.stderr.decode()
        assert lianji_command("hub", "verify", to).returncode == 0
        unsure = lianji_command("hub", "delete", "park1", "--plant", folder)
        assert b"deletion-unconfirmed" in unsure.stderr
        joined = lianji_command("hub", "delete", "park1", "--yes", "--plant", folder)
        assert b"deletion-edge-joined" in joined.stderr
        revoke_long_ago(folder)
        done = lianji_command("hub", "delete", "park1", "--yes", "--plant", folder)
        assert done.returncode == 0, done.stderr.decode()
        report = json.loads(done.stdout)
        assert report["samples"]["days"] == json.loads((to / "manifest.json").read_text())["days"]
        assert report["spool"]["rows_left"] == 0
        last = plant.get("/api/last", tags="park2/line/number,park1/line/number", format="json")
        assert len(last["rows"]) == 1, last
    [kept] = (folder / "data" / "hub" / "deletions").iterdir()
    assert lianji_command("hub", "verify", kept).returncode == 0
    kept.write_text(kept.read_text().replace('"rows": 100', '"rows": 99'))
    changed = lianji_command("hub", "verify", kept)
    assert changed.returncode != 0
    assert b"export-differs" in changed.stderr
    audit = lianji_command("audit", "--plant", folder)
    assert b"site-deleted" in audit.stdout


def test_a_hub_that_stands_deletes_by_itself(folder: Path) -> None:
    with plant_process(folder) as plant:
        push(plant, "park1", 20)
    revoke_long_ago(folder)
    done = lianji_command("hub", "delete", "park1", "--yes", "--plant", folder)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["samples"]["rows"] == 20
