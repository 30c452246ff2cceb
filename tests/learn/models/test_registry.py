"""Versions are whole or not there, never overwritten, and a byte that changed is told."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lianji.base.drafts import drafting
from lianji.base.errors import Busy, InputError, LianjiError, StorageError
from lianji.learn.models.bundle import Bundle, Golden, key_text, unpack
from lianji.learn.models.comparing import compare
from lianji.learn.models.drafts import read_draft
from lianji.learn.models.keys import signing_key
from lianji.learn.models.registry import Registry
from lianji.learn.models.trusted import read_trusted
from tests.learn.models.world import card, draft, golden, onnx

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = {key_text(KEY.public_key()): "the works"}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def code_of(error: pytest.ExceptionInfo[LianjiError]) -> str:
    return error.value.code


def test_versions_count_up_and_stay_as_they_are(registry: Registry) -> None:
    assert registry.names() == []
    first = registry.register(draft(version=7), "li", {"run": "experiments/12"})
    second = registry.register(draft(algorithm="other"), "li")
    assert [first.version, second.version] == [1, 2]
    assert registry.get("nox").card.algorithm == "other"
    assert registry.get("nox", 1).record.artefacts == {"run": "experiments/12"}
    assert registry.bundle(registry.get("nox", 1)) == draft()
    assert [one.version for one in registry.all_of("nox")] == [2, 1]
    assert registry.newest() == ([second], [])


def test_the_number_of_a_removed_version_is_not_given_again(registry: Registry) -> None:
    registry.register(draft(), "li")
    second = registry.register(draft(), "li")
    for file in second.folder.iterdir():
        file.unlink()
    second.folder.rmdir()
    assert registry.register(draft(), "li").version == 3
    assert registry.versions("nox") == [1, 3]


def test_signed_once_the_bundle_is_what_was_registered(registry: Registry) -> None:
    registry.register(draft(), "li")
    assert registry.get("nox").bundle is None
    signed = registry.sign("nox", None, KEY)
    assert signed.bundle is not None
    content = signed.bundle.read_bytes()
    assert unpack(content, TRUSTED) == (draft(), "the works")
    registry.sign("nox", 1, Ed25519PrivateKey.generate())
    assert signed.bundle.read_bytes() == content, "it stays as it is"


@pytest.mark.parametrize("part", ["card.json", "model.onnx", "golden.json", "record.json"])
def test_what_was_changed_on_the_disk_is_told_and_not_signed(registry: Registry, part: str) -> None:
    one = registry.register(draft(), "li")
    whole = (one.folder / part).read_bytes()
    for at in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[at] ^= 1
        (one.folder / part).write_bytes(changed)
        try:
            signed = registry.sign("nox", 1, KEY)
        except StorageError as error:
            assert error.code == "model-damaged"
        else:  # of the record, only who and when are not what is signed
            assert part == "record.json"
            assert signed.bundle is not None
            assert unpack(signed.bundle.read_bytes(), TRUSTED)[0] == draft()
            signed.bundle.unlink()
    (one.folder / part).unlink()
    with pytest.raises(StorageError, match=part):
        registry.sign("nox", 1, KEY)


def test_a_damaged_model_hides_no_other(registry: Registry) -> None:
    registry.register(draft(name="bad"), "li")
    good = registry.register(draft(name="good"), "li")
    (registry.folder / "bad" / "1" / "card.json").write_text("{}")
    found, errors = registry.newest()
    assert found == [good]
    assert [error.code for error in errors] == ["model-damaged"]


def test_a_version_in_another_folder_is_not_believed(registry: Registry) -> None:
    one = registry.register(draft(), "li")
    one.folder.rename(one.folder.with_name("9"))
    with pytest.raises(StorageError, match="another version"):
        registry.get("nox", 9)


REFUSED = {
    "model-graph-invalid": draft(inputs=[{"name": "a", "tag": "a", "low": 0, "high": 1}]),
    "golden-mismatch": Bundle(card(), onnx(), Golden(inputs=[[1, 0]], outputs=[[7]])),
    "card-invalid": draft(outputs=[{"name": "y", "tag": "gt//nox"}]),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_does_not_run_is_not_registered(registry: Registry, code: str) -> None:
    with pytest.raises(InputError) as caught:
        registry.register(REFUSED[code], "li")
    assert code_of(caught) == code
    assert registry.versions("nox") == []


def test_units_and_labels_are_looked_at_too(registry: Registry) -> None:
    wrong = {"name": "y", "tag": "gt/nox", "unit": "°C"}
    with pytest.raises(InputError, match="card"):
        registry.register(draft(outputs=[wrong]), "li")
    with pytest.raises(InputError, match="tag path"):
        registry.register(draft(gate=[{"tag": "a,b"}]), "li")


def test_an_expired_model_is_not_signed(registry: Registry) -> None:
    registry.register(draft(created_us=1, expires_us=2), "li")
    with pytest.raises(InputError) as caught:
        registry.sign("nox", None, KEY)
    assert code_of(caught) == "model-expired"


@pytest.mark.parametrize("name", ["none", "..", "../..", "NOX", ""])
def test_what_is_not_there_is_told(registry: Registry, name: str) -> None:
    registry.register(draft(), "li")
    with pytest.raises(LianjiError) as caught:
        registry.get(name)
    assert code_of(caught) == "model-unknown"
    with pytest.raises(LianjiError, match="There are: 1") as caught:
        registry.get("nox", 2)


def test_two_at_once_is_one_at_a_time(registry: Registry) -> None:
    registry.register(draft(), "li")
    held = drafting(registry.folder / "nox", AssertionError)
    with held, pytest.raises(Busy):
        registry.register(draft(), "li")
    assert registry.register(draft(), "li").version == 2


KILLED = """\
import os, sys
from pathlib import Path
import lianji.base.drafts as drafts
import lianji.base.durable as durable
import lianji.learn.models.registry as registry
from lianji.learn.models.keys import signing_key
from tests.learn.models.world import draft

calls = at = 0
os.fsync = lambda _: None  # a kill, unlike a power cut, leaves what was written

def dying(whole):
    def call(*arguments, **more):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), 9)
        return whole(*arguments, **more)
    return call

registry.write_atomically = dying(registry.write_atomically)
drafts.sync_folder = dying(drafts.sync_folder)
durable.sync_folder = dying(durable.sync_folder)
Path.rename = dying(Path.rename)
for at in range(1, 60):
    child = os.fork()
    if not child:
        place = Path(sys.argv[1]) / str(at)
        models = registry.Registry(place)
        models.register(draft(), "li")
        models.sign("nox", None, signing_key(place / "signing.pem"))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def test_killed_at_any_step_a_version_is_whole_or_not_there(tmp_path: Path) -> None:
    """A process for each step that registering and signing have; the last one is not killed."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True, timeout=60)
    seen = []
    for step in range(1, len([*tmp_path.iterdir()]) + 1):
        registry = Registry(tmp_path / str(step))
        found, errors = registry.newest()
        assert errors == []
        for one in found:
            assert registry.bundle(one) == draft()
            if one.bundle is not None:
                key = key_text(signing_key(registry.folder / "signing.pem").public_key())
                assert unpack(one.bundle.read_bytes(), {key: "us"})[0] == draft()
        seen.append("signed" if found and found[0].bundle else "draft" if found else "nothing")
        registry.register(draft(), "li")
        assert not [*registry.folder.glob("nox/.draft-*")], "what was left is cleared"
    assert seen == sorted(seen, key=["nothing", "draft", "signed"].index)
    assert [seen.count(one) > 1 for one in ("nothing", "draft", "signed")] == [True] * 3


def test_the_key_is_made_once_and_is_nobody_else_s_to_read(tmp_path: Path) -> None:
    path, found = tmp_path / "data" / "signing.pem", []
    threads = [
        threading.Thread(target=lambda: found.append(key_text(signing_key(path).public_key())))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_a_key_that_is_none_is_told_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    other = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for content in (b"", b"rubbish", other):
        path.write_bytes(content)
        with pytest.raises(StorageError) as caught:
            signing_key(path)
        assert code_of(caught) == "model-key-damaged"
        assert path.read_bytes() == content


def test_who_is_trusted_stands_in_a_file_and_wrong_lines_trust_nobody(tmp_path: Path) -> None:
    path = tmp_path / "trusted.txt"
    assert read_trusted(path).keys == {}
    mine, other = (key_text(Ed25519PrivateKey.generate().public_key()) for _ in range(2))
    lines = [
        "# whom we trust", "", f"{mine}  the works, hall 2  # until May", mine, f"{mine} again",
        "abc somebody", f"{other[:-2]}B= cut", f"{other}", f"\t{other} 总部",
    ]  # fmt: skip
    path.write_text("\ufeff" + "\r\n".join(lines), "utf-8")
    found = read_trusted(path)
    assert found.keys == {mine: "the works, hall 2", other: "总部"}
    assert [error.code for error in found.errors] == ["trusted-line-invalid"] * 5
    assert "line 4: it does not say whose key it is" in found.errors[0].cause.en
    path.write_bytes(b"\xff\xfe\x00")
    assert [error.code for error in read_trusted(path).errors] == ["trusted-unreadable"]


def test_drafts_out_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(onnx())
    told = card().model_dump_json(exclude={"version"})
    (folder / "card.json").write_text(told)
    made, is_made = read_draft(folder)
    assert is_made
    assert len(made.golden.inputs) == 16
    (folder / "golden.json").write_text(golden().model_dump_json())
    assert read_draft(folder) == (draft(), False)
    lone = folder / "model.onnx"
    assert read_draft(lone, folder / "card.json", folder / "golden.json") == (draft(), False)
    for code, paths in (
        ("card-invalid", (lone,)),
        ("file-missing", (lone, folder / "none.json")),
        ("file-missing", (tmp_path,)),
        ("golden-invalid", (lone, folder / "card.json", lone)),
        ("card-invalid", (lone, lone)),
    ):
        with pytest.raises(LianjiError) as caught:
            read_draft(*paths)
        assert code_of(caught) == code
    (folder / "card.json").write_text(told.replace('"low":0.0', '"low":11.0', 1))
    with pytest.raises(InputError, match="upside down"):
        read_draft(folder)


def test_cards_are_compared_field_by_field() -> None:
    before, after = card(version=1), card(version=2)
    assert compare(before, after) == []
    inputs = [one.model_dump() for one in before.inputs]
    inputs[0]["high"] = 12
    del inputs[1]
    data = {"name": "gt", "version": 3}
    changed = card(
        algorithm="trees", inputs=inputs, dataset=data, correction={"forgetting": 0.9, "limit": 5}
    )
    found = {(d.part, d.item, d.field): (d.before, d.after) for d in compare(before, changed)}
    assert found["algorithm", "", ""] == ("linear", "trees")
    assert found["inputs", "a", "high"] == (10, 12)
    assert found["inputs", "b", "unit"] == ("bar", None)
    assert found["correction", "", "limit"] == (None, 5)
    assert found["dataset", "", "name"] == ("", "gt")
    swapped = card(inputs=[one.model_dump() for one in before.inputs][::-1])
    assert {(d.item, d.field) for d in compare(before, swapped)} == {("a", "place"), ("b", "place")}
