"""What a hub packs for a plant, what a plant takes of it, and what neither may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.errors import InputError, NotFound
from lianji.node.told import contents
from lianji.relay.messages.kinds import Kind

PLACES = ("devices/a.toml", "tags/b.csv", "alarms/c.csv", "templates/d@1.toml", "templates/d@1.csv")


@given(st.dictionaries(st.sampled_from(PLACES), st.binary(max_size=50)))
def test_what_was_packed_is_what_comes_out(files: dict[str, bytes]) -> None:
    assert contents.unpack(contents.pack(files)) == files


@pytest.mark.parametrize(
    "path",
    [
        "lianji.toml",
        "devices/../lianji.toml",
        "devices/a/../../lianji.toml",
        "tags/../../outside.csv",
        "/etc/outside.csv",
        "data/relay/inbox.json",
        "devices/.hidden.toml",
        "devices/a.csv",
        "tags/a\\b.csv",
        "tags/a\x00.csv",
        "",
    ],
)
def test_a_file_that_is_the_plants_own_or_lies_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="message-place-invalid"):
        contents.unpack(contents.pack({path: b""}))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"files": 7}', b'{"files": {"devices/a.toml": "!"}}', b"\xff"]
)
def test_what_is_no_configuration_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="message-content-invalid"):
        contents.unpack(content)


def test_a_folder_and_single_files_are_packed_alike(tmp_path: Path) -> None:
    for place in (*PLACES, "lianji.toml", "dashboards/x.json", "tags/.b.csv"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(place)
    whole = contents.configuration([tmp_path])
    assert sorted(contents.unpack(whole.content)) == sorted(PLACES)
    single = contents.configuration([tmp_path / place for place in PLACES])
    assert single == whole
    one = contents.configuration([tmp_path / "tags" / "b.csv"])
    assert (one.kind, one.name) == (Kind.CONFIGURATION, "tags/b.csv")
    other = contents.configuration([tmp_path / "tags" / "b.csv", tmp_path / "devices" / "a.toml"])
    assert other.name not in (one.name, whole.name)  # another set of files supersedes neither


def test_commands_bundles_and_tables_are_checked_at_the_hub(tmp_path: Path) -> None:
    assert json.loads(contents.command("ping", ["a=1", "b=x=y"]).content) == {"a": "1", "b": "x=y"}
    for name, arguments in (("ping", ["a"]), ("ping", ["=1"]), ("../ping", []), ("", [])):
        with pytest.raises(InputError, match="command-invalid"):
            contents.command(name, arguments)
    file = tmp_path / "press.bin"
    with pytest.raises(NotFound, match="file-missing"):
        contents.bundle(file, "press")
    file.write_bytes(b"x")
    for name in ("../press", "a/b", "", "压力"):
        with pytest.raises(InputError, match="bundle-name-invalid"):
            contents.bundle(file, name)
    table = tmp_path / "words.csv"
    table.write_text("path,unit\nline/x,nonsense\n")
    with pytest.raises(InputError, match="tag-row-invalid"):
        contents.dictionary(table)
