"""A running plant whose configuration changes: nothing else is touched, what breaks goes back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.peers import free_port, wait_until
from tests.peers.modbus import libmodbus_server
from tests.system.plant import (
    PlantProcess,
    is_good,
    lianji_program,
    plant_process,
    write_device,
    write_plant,
    write_tags,
)

pytestmark = pytest.mark.system

COUNTER = "p/one/number"
TRIAL_S = 3


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Floats that count up every 50 ms."""
    with libmodbus_server(None, "update", 50) as port:
        yield port


@pytest.fixture
def plant(tmp_path: Path, port: int) -> Iterator[PlantProcess]:
    folder = write_plant(tmp_path / "p", configuration=f"trial_s = {TRIAL_S}")
    write_device(folder, "one", "modbus", host="127.0.0.1", port=port, interval_ms=50)
    write_tags(folder, "one", f"{COUNTER},hr:0,float32")
    with plant_process(folder) as plant:
        plant.wait_last(COUNTER, is_good)
        yield plant


def machine(name: str, port: int, *rows: tuple[str, str], **fields: Any) -> dict[str, Any]:
    tags = [{"path": path, "address": address, "type": "float32"} for path, address in rows]
    fields = {"host": "127.0.0.1", "port": port, "interval_ms": 50, **fields}
    return {"name": name, "protocol": "modbus", "fields": fields, "tags": tags}


def save(plant: PlantProcess, saved: dict[str, Any], status: int = 200, **more: Any) -> Any:
    answer = plant.http.post(f"{plant.address}/api/machines", json={"machine": saved, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def state_of(plant: PlantProcess, version: str) -> str:
    return str(plant.get(f"/api/configuration/versions/{version}")["state"])


def test_a_machine_is_added_while_another_runs_untouched(plant: PlantProcess, port: int) -> None:
    link = _links_of(plant)
    assert len(link) == 1
    save(plant, machine("two", port, ("p/two/number", "hr:20")), new=True)
    plant.wait_last("p/two/number", is_good)
    wait_until(lambda: len(plant.read(COUNTER)) > 40, 20, "samples of the first machine")
    assert link <= _links_of(plant)  # its connection, and so all of the device, is the old one
    rows = plant.read(COUNTER)
    assert all(row["quality"] == 0 for row in rows)
    values = np.array([row["value"] for row in rows])
    times = np.array([row["time"].timestamp() for row in rows])
    assert (np.diff(values) > 0).all()
    assert np.diff(times).max() < 1.0


def _links_of(plant: PlantProcess) -> set[str]:
    """The plant's own ports of its connections to the Modbus server of the first device."""
    assert plant.child is not None
    device = (plant.folder / "devices" / "one.toml").read_text()
    remote = f"{int(device.split('port = ')[1].split()[0]):04X}"
    lines = Path(f"/proc/{plant.child.pid}/net/tcp").read_text().splitlines()[1:]
    found = {(f[1], f[2]) for f in (line.split() for line in lines) if f[3] == "01"}
    return {local for local, there in found if there.endswith(f":{remote}")}


def test_a_wrong_port_is_rolled_back_with_the_cause(plant: PlantProcess, port: int) -> None:
    wrong = free_port()
    version = save(plant, machine("one", wrong, (COUNTER, "hr:0")))
    assert version["state"] == "on_trial"
    wait_until(lambda: state_of(plant, version["id"]) == "rolled_back", 20, "the roll-back")
    wait_until(lambda: plant.device("one")["state"] == "running", 20, "the old configuration")
    told = plant.get(f"/api/configuration/versions/{version['id']}")["rolled_back"]
    assert told["code"] == "change-rolled-back"
    assert "one gave no good value any more" in told["cause"]["en"]
    assert "nothing listens on this port" in told["cause"]["en"]
    assert "one" in told["cause"]["zh"]
    assert f"port = {port}" in (plant.folder / "devices" / "one.toml").read_text()
    assert "change-rolled-back" in [fault["code"] for fault in plant.status()["problems"]]
    after = plant.last(COUNTER)
    plant.wait_last(COUNTER, lambda row: is_good(row) and row != after)


def test_a_person_may_keep_a_change_of_a_machine_that_is_off(plant: PlantProcess) -> None:
    version = save(plant, machine("one", free_port(), (COUNTER, "hr:0")))
    answer = plant.http.post(f"{plant.address}/api/configuration/versions/{version['id']}/keep")
    assert answer.status_code == 200
    wait_until(lambda: state_of(plant, version["id"]) == "current", 10, "the end of the trial")
    forced = save(plant, machine("one", free_port(), (COUNTER, "hr:0")), force=True)
    assert forced["state"] == "current"
    began = plant.status()["now_us"]
    wait_until(
        lambda: plant.status()["now_us"] - began > (TRIAL_S + 1) * 1e6, 20, "the time of a trial"
    )
    assert plant.get("/api/machines")["version"] == forced["id"]


def test_addresses_that_no_driver_reads_are_refused_at_once(plant: PlantProcess) -> None:
    before = plant.get("/api/machines")["version"]
    fault = save(plant, machine("one", 502, (COUNTER, "hr:99999")), status=400)
    assert fault["code"] == "tag-address-invalid"
    assert plant.get("/api/machines")["version"] == before


def test_of_two_people_at_once_the_second_is_told(plant: PlantProcess, port: int) -> None:
    base = plant.get("/api/machines")["version"]
    save(plant, machine("two", port, ("p/two/a", "hr:2")), base=base)
    fault = save(plant, machine("three", port, ("p/three/a", "hr:2")), status=409, base=base)
    assert fault["code"] == "configuration-changed"


def test_an_edit_by_hand_is_noticed_and_a_half_saved_file_is_not(
    plant: PlantProcess, port: int
) -> None:
    write_tags(plant.folder, "one", f"{COUNTER},hr:0,float32", "p/one/other,hr:40,float32")
    plant.wait_last("p/one/other", is_good)
    newest = plant.get("/api/configuration/versions")[0]
    assert (newest["how"], newest["files"]) == ("hand", ["tags/one.csv"])
    (plant.folder / "devices" / "one.toml").write_text('protocol = "modbus"\nhost = "127')
    wait_until(
        lambda: any("edit by hand" in f["cause"]["en"] for f in plant.status()["problems"]),
        20,
        "the half-saved file is told of",
    )
    assert plant.device("one")["state"] == "running"
    write_device(plant.folder, "one", "modbus", host="127.0.0.1", port=port, interval_ms=60)
    wait_until(lambda: plant.status()["problems"] == [], 20, "the mended file is taken")
    assert plant.get("/api/machines/one")["machine"]["fields"]["interval_ms"] == 60


def test_tags_change_their_meaning_without_their_device(plant: PlantProcess) -> None:
    link = _links_of(plant)
    assert len(link) == 1
    table = plant.folder / "tags" / "one.csv"
    table.write_text(
        "device,path,address,type,kind,description_en\n"
        f"one,{COUNTER},hr:0,float32,step,what it is\n"
    )
    (plant.folder / "tags" / "calculated.csv").write_text(
        f"path,expression\np/twice,\"'{COUNTER}' * 2\"\n"
    )
    double = plant.wait_last("p/twice", is_good)
    assert double["value"] % 2 == 0
    tag = plant.get("/api/tags", search=COUNTER)["tags"][0]
    assert (tag["kind"], tag["description_en"]) == ("step", "what it is")
    assert link <= _links_of(plant)
    (plant.folder / "tags" / "calculated.csv").unlink()
    wait_until(lambda: plant.last("p/twice") is None, 20, "the calculated tag is gone")


def test_a_removed_machine_is_no_longer_read_and_undo_brings_it_back(plant: PlantProcess) -> None:
    answer = plant.http.delete(f"{plant.address}/api/machines/one")
    assert answer.status_code == 200, answer.text
    assert plant.status()["devices"] == []
    assert not (plant.folder / "devices" / "one.toml").exists()
    last = plant.last(COUNTER)
    assert last is not None
    undone = plant.http.post(
        f"{plant.address}/api/configuration/versions/{answer.json()['id']}/undo", json={}
    )
    assert undone.status_code == 200
    plant.wait_last(COUNTER, lambda row: is_good(row) and row["time"] > last["time"])


def test_what_takes_a_restart_is_said(plant: PlantProcess) -> None:
    settings = plant.folder / "lianji.toml"
    settings.write_text(settings.read_text().replace("[site]", '[site]\ntitle_en = "Shop"'))
    wait_until(
        lambda: "<title>Status · Shop" in plant.http.get(f"{plant.address}/status").text,
        20,
        "title",
    )
    assert plant.status()["problems"] == []
    settings.write_text(settings.read_text().replace("[spool]", "[spool]\nkeep_h = 1"))
    wait_until(
        lambda: "settings-at-next-start" in [f["code"] for f in plant.status()["problems"]],
        20,
        "the next start is told of",
    )


def lianji(plant: PlantProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [lianji_program(), "config", *arguments, "--plant", str(plant.folder)]
    environment = os.environ | {"LIANJI_LANG": "en"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_command_line_lists_shows_and_undoes(plant: PlantProcess, port: int) -> None:
    save(plant, machine("two", port, ("p/two/number", "hr:20")), note="the second")
    plant.wait_last("p/two/number", is_good)
    listed = json.loads(lianji(plant, "versions", "--json").stdout)
    assert [(row["version"], row["note"]) for row in listed] == [
        ("2", "the second"),
        ("1", ""),
    ]
    assert "+++ devices/two.toml" in lianji(plant, "diff").stdout
    undone = lianji(plant, "undo")
    assert undone.returncode == 0 and "takes it within" in undone.stderr
    wait_until(lambda: len(plant.status()["devices"]) == 1, 20, "the running plant follows")
    plant.stop()
    assert lianji(plant, "restore", "2").returncode == 0
    assert (plant.folder / "devices" / "two.toml").exists()
    refused = lianji(plant, "restore", "77")
    assert refused.returncode == 1 and "There is no version '77'" in refused.stderr


def test_two_wrong_changes_in_a_row_both_go_back(plant: PlantProcess, port: int) -> None:
    first = save(plant, machine("one", free_port(), (COUNTER, "hr:0")))
    second = save(plant, machine("one", free_port(), (COUNTER, "hr:0")))
    for version in (second, first):
        wait_until(lambda v=version: state_of(plant, v["id"]) == "rolled_back", 20, "the roll-back")
    wait_until(lambda: plant.device("one")["state"] == "running", 20, "the old configuration")
    assert f"port = {port}" in (plant.folder / "devices" / "one.toml").read_text()
