"""A hub tells a running plant: configuration with its trial, dictionary, bundles, commands."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lianji.learn.models.bundle import GOLDEN, MODEL
from tests.learn.deployment.models import bundle, card, packed
from tests.peers import free_port, wait_until
from tests.peers.modbus import libmodbus_server
from tests.system.plant import (
    PlantProcess,
    is_good,
    lianji_command,
    plant_process,
    write_device,
    write_plant,
    write_tags,
)

pytestmark = pytest.mark.system

COUNTER = "p/one/number"
TRIAL_S = 3
ALL = '"configuration", "dictionary", "bundle", "command"'


@dataclass
class Pair:
    """A hub and the plant that joined it."""

    hub: Path
    edge: PlantProcess
    port: int

    def lianji(self, *words: object) -> str:
        done = lianji_command(*words, "--plant", self.hub)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def newest(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = json.loads(
            self.lianji("hub", "messages", "park1", "--json", "-n", 1)
        )
        return rows[0]

    def send(self, *words: object, state: str) -> dict[str, Any]:
        """Send, and wait for what becomes of it."""
        self.lianji("hub", "send", "park1", *words)
        wait_until(lambda: self.newest()["state"] not in ("queued", "sent"), 40, "the result")
        found = self.newest()
        assert found["state"] == state, found
        return found


@contextmanager
def joined(tmp: Path, port: int, accept: str | None) -> Iterator[Pair]:
    hub = write_plant(tmp / "hub", hub=_hub_part(free_port()))
    assert lianji_command("hub", "init", hub, "--name", "north").returncode == 0
    folder = write_plant(tmp / "p", configuration=f"trial_s = {TRIAL_S}")
    write_device(folder, "one", "modbus", host="127.0.0.1", port=port, interval_ms=50)
    write_tags(folder, "one", f"{COUNTER},hr:0,float32")
    line = lianji_command("hub", "invite", "park1", "--plant", hub).stdout.decode()
    with plant_process(hub):
        done = lianji_command(*line.split()[1:], cwd=folder)
        assert done.returncode == 0, done.stderr.decode()
        if accept is not None:
            settings = (folder / "lianji.toml").read_text()
            settings = settings.replace("[relay]\n", f"[relay]\naccept = [{accept}]\n")
            (folder / "lianji.toml").write_text(settings)
        with plant_process(folder) as edge:
            edge.wait_last(COUNTER, is_good)
            yield Pair(hub, edge, port)


def _hub_part(port: int) -> str:
    return f'name = "north"\nport = {port}\naddresses = ["https://127.0.0.1:{port}"]'


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with libmodbus_server(None, "update", 50) as port:
        yield port


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Pair]:
    """Each test leaves it as it works."""
    with joined(tmp_path_factory.mktemp("pair"), port, ALL) as pair:
        yield pair


def device_file(folder: Path, name: str, port: int) -> Path:
    (folder / "devices").mkdir(parents=True, exist_ok=True)
    write_device(folder, name, "modbus", host="127.0.0.1", port=port, interval_ms=50)
    return folder / "devices" / f"{name}.toml"


def test_a_machine_comes_from_the_hub(pair: Pair, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    device_file(draft, "two", pair.port)
    (draft / "tags").mkdir()
    write_tags(draft, "two", "p/two/number,hr:20,float32")
    told = pair.send("configuration", draft, state="applied")
    assert told["result"]["changed"] is True
    pair.edge.wait_last("p/two/number", is_good)
    versions = lianji_command("config", "versions", "--json", "--plant", pair.edge.folder)
    newest = json.loads(versions.stdout)[0]
    assert newest["author"] == "hub" and newest["version"] == told["result"]["configuration"]
    again = pair.send("configuration", draft, state="applied")
    assert again["result"]["changed"] is False


def test_what_breaks_collection_comes_back_refused_with_its_cause(
    pair: Pair, tmp_path: Path
) -> None:
    before = (pair.edge.folder / "devices" / "one.toml").read_bytes()
    wrong = device_file(tmp_path / "draft", "one", free_port())
    told = pair.send("configuration", wrong, state="refused")
    assert "one gave no good value any more" in told["reason"]
    assert "nothing listens on this port" in told["reason"]
    assert (pair.edge.folder / "devices" / "one.toml").read_bytes() == before
    after = pair.edge.last(COUNTER)
    pair.edge.wait_last(COUNTER, lambda row: is_good(row) and row != after)


def test_a_trial_goes_on_after_a_restart(tmp_path: Path, port: int) -> None:
    with joined(tmp_path, port, ALL) as pair:
        folder = pair.edge.folder
        before = (folder / "devices" / "one.toml").read_bytes()
        wrong = device_file(tmp_path / "draft", "one", free_port())
        pair.lianji("hub", "send", "park1", "configuration", wrong)
        wait_until((folder / "data" / "relay" / "trial.json").exists, 20, "the trial")
        assert (folder / "devices" / "one.toml").read_bytes() == wrong.read_bytes()
        pair.edge.kill()
        pair.edge.start()
        wait_until(lambda: pair.newest()["state"] == "refused", 40, "the result")
        assert "one gave no good value any more" in pair.newest()["reason"]
        assert (folder / "devices" / "one.toml").read_bytes() == before
        pair.edge.wait_last(COUNTER, is_good)


def test_what_is_not_sound_is_refused_at_once(pair: Pair, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    (draft / "tags").mkdir(parents=True)
    write_tags(draft, "one", f"{COUNTER},hr:99999,float32")
    told = pair.send("configuration", draft, state="refused")
    assert "hr:99999" in told["reason"] or "99999" in told["reason"]
    (draft / "alarms").mkdir()
    (draft / "alarms" / "hot.csv").write_text(f"name,tag,kind,limit\nhot,{COUNTER},hig,7\n")
    (draft / "tags" / "one.csv").unlink()
    told = pair.send("configuration", draft, state="refused")
    assert "hot.csv, line 2" in told["reason"]
    assert not (pair.edge.folder / "alarms" / "hot.csv").exists()
    (draft / "alarms" / "hot.csv").write_text(f"name,tag,kind,limit\nhot,{COUNTER},high,7\n")
    pair.send("configuration", draft, state="applied")
    assert (pair.edge.folder / "alarms" / "hot.csv").exists()


def test_a_dictionary_changes_what_tags_mean_and_not_how_they_are_read(
    pair: Pair, tmp_path: Path
) -> None:
    table = tmp_path / "words.csv"
    table.write_text(f"path,unit,description_zh,address\npark1/{COUNTER},kW,功率,hr:30\n", "utf-8")
    told = pair.send("dictionary", table, state="applied")
    assert told["result"]["columns"] == ["unit", "description_zh"]
    text = (pair.edge.folder / "tags" / "one.csv").read_text("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["path"], row["unit"], row["description_zh"]) == (COUNTER, "kW", "功率")
    assert (row["address"], row["type"], row["device"]) == ("hr:0", "float32", "one")
    table.write_text("path,unit\nnowhere,kW\n")
    assert "nowhere" in pair.send("dictionary", table, state="refused")["reason"]


def columns(pair: Pair) -> dict[str, Any]:
    """What a model of this edge takes and gives."""
    unit = "kW" if "kW" in (pair.edge.folder / "tags" / "one.csv").read_text("utf-8-sig") else ""
    return {
        "inputs": [{"name": "x", "tag": COUNTER, "unit": unit, "low": 0, "high": 9}],
        "outputs": [{"name": "y", "tag": "p/soft/y"}],
    }


def test_a_bundle_lies_whole_at_the_edge(pair: Pair, tmp_path: Path) -> None:
    content = packed(card(name="press", **columns(pair)))
    file = tmp_path / "model.bin"
    file.write_bytes(content)
    told = pair.send("bundle", file, "--name", "press", state="applied")
    assert (told["result"]["model"], told["result"]["stage"]) == ("press@1", "staged")
    kept = pair.edge.folder / "data" / "relay" / "bundles" / told["result"]["stored"]
    assert kept.name == f"press@{told['version']}"
    assert hashlib.sha256(kept.read_bytes()).digest() == hashlib.sha256(content).digest()
    assert list((pair.edge.folder / "data" / "relay" / "incoming").iterdir()) == []
    assert "not newer" in pair.send("bundle", file, "--name", "press", state="refused")["reason"]
    file.write_bytes(content[:-100])
    assert "no model bundle" in pair.send("bundle", file, "--name", "x", state="refused")["reason"]
    assert [one.name for one in kept.parent.iterdir()] == [kept.name]


def test_a_signed_model_comes_to_the_edge_as_it_was_signed(pair: Pair, tmp_path: Path) -> None:
    made = bundle(card(name="nox", **columns(pair)))
    (tmp_path / MODEL).write_bytes(made.onnx)
    (tmp_path / GOLDEN).write_text(made.golden.model_dump_json())
    (tmp_path / "card.json").write_text(made.card.model_dump_json())
    pair.lianji("model", "register", tmp_path)
    pair.lianji("model", "sign", "nox")
    pair.lianji("model", "export", "nox", tmp_path / "nox.bundle")
    trusted = pair.edge.folder / "models" / "trusted.txt"
    trusted.parent.mkdir()
    trusted.write_text(f"{pair.lianji('model', 'key').strip()} the hub north\n")
    pair.lianji("model", "send", "nox", "park1")
    wait_until(lambda: pair.newest()["state"] not in ("queued", "sent"), 40, "the result")
    found = pair.newest()
    assert (found["state"], found["kind"], found["name"]) == ("applied", "bundle", "nox")
    kept = pair.edge.folder / "data" / "relay" / "bundles" / found["result"]["stored"]
    assert kept.read_bytes() == (tmp_path / "nox.bundle").read_bytes()
    verified = lianji_command("model", "verify", kept, "--plant", pair.edge.folder)
    assert b"nox@1 is signed by the hub north" in verified.stderr
    shown = json.loads(pair.lianji("model", "show", "nox", "--json"))
    assert [(one["edge"], one["state"]) for one in shown["sendings"]] == [("park1", "applied")]


def test_the_commands_of_the_registry_and_no_other(pair: Pair) -> None:
    identity = pair.edge.folder / "data" / "relay" / "identity.pem"
    before = identity.read_bytes()
    assert pair.send("command", "ping", state="applied")["result"]["now"]
    status = pair.send("command", "status", state="applied")["result"]
    device = status["devices"][0]
    assert (device["name"], device["state"]) == ("one", "running")
    assert pair.send("command", "flush", state="applied")["result"]["rows"] > 0
    assert pair.send("command", "renew", state="applied")["result"]["until"]
    assert identity.read_bytes() != before
    assert pair.send("command", "ping", state="applied")  # with the new certificate
    write_tags(pair.edge.folder, "one", f"{COUNTER},hr:0,float32", "p/one/other,hr:40,float32")
    pair.send("command", "reload", state="applied")
    pair.edge.wait_last("p/one/other", is_good)
    assert "no command 'restart'" in pair.send("command", "restart", state="refused")["reason"]
    told = pair.send("command", "ping", "loud=1", state="refused")
    assert "ping takes no loud" in told["reason"]


def test_a_configuration_is_taken_only_where_the_owner_says_so(tmp_path: Path, port: int) -> None:
    with joined(tmp_path, port, None) as pair:
        wrong = device_file(tmp_path / "draft", "one", free_port())
        told = pair.send("configuration", wrong, state="refused")
        assert "takes no configuration from its hub" in told["reason"]
        assert pair.send("command", "ping", state="applied")


def test_what_is_sent_is_checked_before_it_is_signed(pair: Pair, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        done = lianji_command("hub", "send", *words, "--plant", pair.hub)
        assert done.returncode != 0
        return done.stderr.decode()

    before = pair.lianji("hub", "messages", "--json")
    assert "edge-missing" in refused("nobody", "command", "ping")
    assert "message-place-invalid" in refused("park1", "configuration", pair.hub / "lianji.toml")
    assert "message-empty" in refused("park1", "configuration", tmp_path)
    assert "file-missing" in refused("park1", "bundle", tmp_path / "nothing")
    assert "command-invalid" in refused("park1", "command", "ping", "loud")
    assert "SITE" in refused("park1", "dance")
    assert pair.lianji("hub", "messages", "--json") == before
