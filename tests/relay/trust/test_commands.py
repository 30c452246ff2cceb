"""lianji hub and lianji join, as processes."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lianji.node.enrolment import authority_of, edges_with
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from lianji.node.state_place import open_state
from lianji.relay.trust.identity import Identity
from tests.relay.trust.connect_proxy import connect_proxy
from tests.relay.trust.door import Clock, Hub, open_door
from tests.system.plant import lianji_command

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


def lianji(*arguments: str, fails: bool = False) -> Done:
    done = lianji_command(*arguments)
    stdout, stderr = done.stdout.decode(), done.stderr.decode()
    assert (done.returncode != 0) == fails, stderr
    return Done(stdout, stderr)


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    lianji("hub", "init", str(tmp_path / "hub"), "--name", "north")
    return PlantFolder(tmp_path / "hub")


@pytest.fixture
def hub(folder: PlantFolder) -> Iterator[Hub]:
    """The door of the hub that the command line made, as the running hub opens it."""
    state = open_state(folder.root)
    made = Hub(authority_of(folder), edges_with(folder, state), state, Clock())
    with open_door(made):
        yield made
    state.close()


def invited(folder: PlantFolder, hub: Hub, *more: str) -> list[str]:
    at = f"127.0.0.1:{hub.port}"
    done = lianji("hub", "invite", "park1", "--address", at, "--plant", str(folder.root), *more)
    words = shlex.split(done.stdout)
    assert words[0] == "lianji"
    return words[1:]


def plant_of(tmp_path: Path) -> PlantFolder:
    lianji("init", str(tmp_path / "plant"), "--name", "shop")
    return PlantFolder(tmp_path / "plant")


def test_from_an_invitation_to_an_edge_that_is_shut_out(
    folder: PlantFolder, hub: Hub, tmp_path: Path
) -> None:
    plant = plant_of(tmp_path)
    line = invited(folder, hub, "--sites", "shop", "--sites", "园区*")
    told = lianji(*line, "--plant", str(plant.root))
    assert "edge park1 of the hub north and may write shop, 园区*" in told.stderr
    relay = load_settings(plant.root).relay
    assert relay is not None
    assert (relay.edge, relay.hubs[0]) == ("park1", hub.address)
    assert Identity(plant.relay).edge == "park1"
    assert "# One plant." in plant.settings.read_text(), "what people wrote stays"

    again = lianji(*line, "--plant", str(plant.root), fails=True)
    assert "[invite-used]" in again.stderr
    assert Identity(plant.relay).edge == "park1", "the identity that was there stays"

    at = ("--plant", str(folder.root))
    [row] = json.loads(lianji("hub", "sites", "--json", *at).stdout)
    assert (row["edge"], row["state"], row["sites"]) == ("park1", "joined", "shop, 园区*")
    lianji("hub", "revoke", "park1", *at)
    [row] = json.loads(lianji("hub", "sites", "--json", *at).stdout)
    assert row["state"] == "revoked"
    whole = json.loads(lianji("audit", "--json", *at).stdout)
    assert [entry["what"] for entry in reversed(whole)] == [
        "edge-invited",
        "edge-joined",
        "edge-revoked",
    ]


def test_a_wrong_fingerprint_is_told_and_nothing_is_written(
    folder: PlantFolder, hub: Hub, tmp_path: Path
) -> None:
    plant = plant_of(tmp_path)
    before = plant.settings.read_bytes()
    line = invited(folder, hub)
    line[-1] = "ab" * 32
    done = lianji(*line, "--plant", str(plant.root), fails=True)
    assert "[hub-fingerprint-wrong]" in done.stderr
    assert plant.settings.read_bytes() == before
    assert [path for path, _ in hub.asked] == ["/relay/v1/ca"]


def test_the_way_may_be_a_proxy_which_sees_no_token(
    folder: PlantFolder, hub: Hub, tmp_path: Path
) -> None:
    plant = plant_of(tmp_path)
    with connect_proxy() as proxy:
        line = invited(folder, hub)
        lianji(*line, "--proxy", proxy.address, "--plant", str(plant.root))
    assert proxy.tunnels == [f"127.0.0.1:{hub.port}"] * 2
    relay = load_settings(plant.root).relay
    assert relay is not None and relay.proxy == proxy.address


def test_a_plant_becomes_a_hub_and_keeps_its_file(tmp_path: Path) -> None:
    plant = plant_of(tmp_path)
    before = plant.settings.read_text()
    lianji("hub", "init", str(plant.root), "--name", "north")
    assert plant.settings.read_text().startswith(before)
    settings = load_settings(plant.root)
    assert settings.hub is not None and (settings.hub.name, settings.hub.port) == ("north", 8461)
    assert settings.site.name == "shop"
    assert "[hub-exists]" in lianji("hub", "init", str(plant.root), fails=True).stderr


def test_where_edges_find_the_hub_is_taken_from_its_settings_or_asked_for(
    folder: PlantFolder,
) -> None:
    at = ("--plant", str(folder.root))
    assert "https://127.0.0.1:8461 " in lianji("hub", "invite", "park1", *at).stdout
    text = folder.settings.read_text()
    folder.settings.write_text(text.replace('"127.0.0.1" # only', '"0.0.0.0" # only'))
    assert "[hub-address-unknown]" in lianji("hub", "invite", "park1", *at, fails=True).stderr
    folder.settings.write_text(text.replace("= []", '= ["https://hub.example.com"]'))
    assert "https://hub.example.com:443 " in lianji("hub", "invite", "park1", *at).stdout


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 300, "a\nb", "园区"], ids=ascii)
def test_a_name_with_tricks_in_it_is_not_invited(folder: PlantFolder, name: str) -> None:
    done = lianji("hub", "invite", name, "--plant", str(folder.root), fails=True)
    assert "[edge-name-invalid]" in done.stderr
    assert done.stdout == ""


def test_who_is_no_hub_says_so(tmp_path: Path) -> None:
    plant = plant_of(tmp_path)
    for verb in (["sites"], ["invite", "park1"], ["revoke", "park1"]):
        done = lianji("hub", *verb, "--plant", str(plant.root), fails=True)
        assert "[hub-missing]" in done.stderr
    assert tomllib.loads(plant.settings.read_text()).get("hub") is None


def test_a_backup_holds_who_the_hub_and_the_edge_are(
    folder: PlantFolder, hub: Hub, tmp_path: Path
) -> None:
    plant = plant_of(tmp_path)
    lianji(*invited(folder, hub), "--plant", str(plant.root))
    for one in (folder, plant):
        kept, restored = str(tmp_path / "kept" / one.root.name), one.root.with_suffix(".restored")
        lianji("backup", kept, "--plant", str(one.root))
        lianji("restore", kept, str(restored))
    again = PlantFolder(folder.root.with_suffix(".restored"))
    assert authority_of(again).fingerprint == hub.authority.fingerprint
    assert (again.hub / "ca.key").stat().st_mode & 0o077 == 0
    [row] = json.loads(lianji("hub", "sites", "--json", "--plant", str(again.root)).stdout)
    assert (row["edge"], row["state"]) == ("park1", "joined")
    assert Identity(plant.root.with_suffix(".restored") / "data" / "relay").edge == "park1"
