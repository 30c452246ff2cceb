"""lianji model as people run it: from files to a signed bundle on its way to a plant."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lianji.cli.main import main
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from lianji.relay.trust.certificates import new_key, request_of
from tests.learn.models.world import card, onnx
from tests.system.plant import lianji_command

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """What ``lianji model`` says on standard output and on standard error."""
    monkeypatch.setenv("LIANJI_LANG", "en")

    def run(plant: Path, *arguments: str, noun: str = "model", code: int = 0) -> tuple[str, str]:
        monkeypatch.chdir(plant.parent)
        monkeypatch.setattr(sys, "argv", ["lianji", noun, *arguments, "--plant", str(plant)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said.err
        return said.out, said.err

    return run


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    folder = PlantFolder(tmp_path / "hub")
    create_hub(folder, "north")
    with edges_of(folder) as edges:
        edges.admit(edges.invite("park1", ["park1"]), request_of(new_key(), "park1"), "park1")
    return folder.root


def test_registered_signed_sent_and_verified_at_another_plant(
    run: Run, hub: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx())
    (tmp_path / "card.json").write_text(card().model_dump_json(exclude={"version"}))
    told, said = run(hub, "register", "model.onnx", "--card", "card.json", "--artefact", "run=7")
    assert (told, "made here" in said) == ("nox@1\n", True)
    assert "model-unsigned" in run(hub, "export", "nox", "nox.bundle", code=1)[1]
    key = run(hub, "key")[0].strip()
    assert "nox@1 is signed." in run(hub, "sign", "nox@1")[1]
    run(hub, "export", "nox", "nox.bundle")
    assert "Told: park1" in run(hub, "send", "nox", "park1")[1]
    done = lianji_command("model", "list", "--json", "--plant", hub)
    [row] = json.loads(done.stdout)
    assert (row["name"], row["version"], row["stage"]) == ("nox", 1, "sent")
    shown = run(hub, "show", "nox")[0]
    for words in ("gt/a", "mg/m3", "artefact run: 7", "signature: north", "park1"):
        assert words in shown
    assert json.loads(run(hub, "show", "nox@1", "--json")[0])["card"]["name"] == "nox"
    audit = run(hub, noun="audit")[0]
    assert all(what in audit for what in ("model-registered", "model-signed", "model-sent"))

    edge = PlantFolder(tmp_path / "edge")
    edge.create("park1", 8460)
    assert "bundle-untrusted" in run(edge.root, "verify", "nox.bundle", code=1)[1]
    edge.models.mkdir()
    (edge.models / "trusted.txt").write_text(f"{key} the hub north\nrubbish\n")
    said = run(edge.root, "verify", "nox.bundle")[1]
    assert "nox@1 is signed by the hub north" in said
    assert "trusted-line-invalid" in said
    content = bytearray((tmp_path / "nox.bundle").read_bytes())
    content[100] ^= 1
    (tmp_path / "bad.bundle").write_bytes(content)
    assert "bundle-unreadable" in run(edge.root, "verify", "bad.bundle", code=1)[1]


def test_what_is_wrong_is_told_with_a_remedy(run: Run, hub: Path) -> None:
    assert "model-unknown" in run(hub, "show", "none", code=1)[1]
    assert "name@3" in run(hub, "sign", "nox@x", code=1)[1]
    assert "file-missing" in run(hub, "register", "none", "--card", "none.json", code=1)[1]
    assert "card-invalid" in run(hub, "register", "none.onnx", code=1)[1]
