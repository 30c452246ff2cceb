"""The store of configurations: checks, versions, conflicts, undo, and edits by hand."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lianji.base.errors import Conflict, InputError, NotFound
from lianji.node.configuring.store import ConfigurationStore
from lianji.node.folder import PlantFolder
from tests.system.plant import write_device, write_plant, write_tags

DEVICE = b'protocol = "modbus"\nhost = "127.0.0.1"\n'
TABLE = b"device,path,address,type\nm,p/m/a,hr:0,uint16\n"


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    return PlantFolder(write_plant(tmp_path / "p"))


@pytest.fixture
def store(folder: PlantFolder) -> ConfigurationStore:
    return ConfigurationStore(folder, starting=True)


def test_a_change_is_written_and_kept_with_author_note_and_difference(
    folder: PlantFolder, store: ConfigurationStore
) -> None:
    change = {"devices/m.toml": DEVICE, "tags/m.csv": TABLE}
    version = store.apply(change, "li", "the first machine")
    assert (folder.devices / "m.toml").read_bytes() == DEVICE
    assert store.files()["tags/m.csv"] == TABLE
    newest = store.versions()[0]
    assert (newest.id, newest.author, newest.note) == (version.id, "li", "the first machine")
    assert newest.paths == ["devices/m.toml", "tags/m.csv"]
    assert '+host = "127.0.0.1"' in store.difference(version.id)


def test_what_the_file_refuses_the_form_refuses_and_nothing_is_written(
    folder: PlantFolder, store: ConfigurationStore
) -> None:
    wrong = {"devices/m.toml": b'protocol = "modbus"\nhost = "a"\nport = 99999\n'}
    with pytest.raises(InputError, match=r"In devices/m\.toml: port is 99999"):
        store.apply(wrong, "li", "")
    assert not (folder.devices / "m.toml").exists()
    assert len(store.versions()) == 1
    (folder.devices / "m.toml").write_bytes(wrong["devices/m.toml"] or b"")
    store.look()
    assert [problem.code for problem in store.refused] == [store.check(wrong)[0].code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lianji.toml": b'[site]\nname = "a/b"\n'}, "settings-invalid"),
        ({"lianji.toml": None}, "plant-missing"),
        ({"devices/m.toml": b"protocol = "}, "device-unreadable"),
        ({"tags/m.csv": TABLE}, "device-missing"),
        ({"tags/m.csv": b"path,unit\np/a,parsec\n"}, "tag-row-invalid"),
        ({"devices/m.toml": DEVICE, "tags/m.csv": TABLE.replace(b"hr:0", b"hr:x")}, "tag-address"),
        ({"../m.toml": DEVICE}, "place-invalid"),
        ({"devices/../../m.toml": DEVICE}, "place-invalid"),
        ({"devices/.m.toml": DEVICE}, "place-invalid"),
        ({"data/m.toml": DEVICE}, "place-invalid"),
    ],
)
def test_each_kind_of_wrong_change_is_refused(
    store: ConfigurationStore, change: dict[str, bytes | None], code: str
) -> None:
    assert store.check(change)[0].code.startswith(code)
    with pytest.raises((InputError, NotFound)):
        store.apply(change, "li", "")


def test_old_problems_do_not_block_a_new_change(folder: PlantFolder) -> None:
    (folder.devices / "old.toml").write_text("protocol = 7\n")
    store = ConfigurationStore(folder, starting=True)
    assert store.check({"devices/m.toml": DEVICE}) == []
    store.apply({"devices/m.toml": DEVICE}, "li", "")
    assert (folder.devices / "m.toml").exists()


def test_of_two_changes_from_one_version_the_second_is_told(store: ConfigurationStore) -> None:
    base = store.current().id
    store.apply({"devices/a.toml": DEVICE}, "li", "", base)
    with pytest.raises(Conflict) as conflict:
        store.apply({"devices/b.toml": DEVICE}, "wu", "", base)
    assert conflict.value.http_status == 409


def test_of_many_changes_at_once_from_one_version_one_wins(store: ConfigurationStore) -> None:
    base, outcomes = store.current().id, []

    def change(number: int) -> None:
        try:
            outcomes.append(store.apply({f"devices/m{number}.toml": DEVICE}, "", "", base).id)
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["2", *["conflict"] * 7]


def test_undo_takes_back_one_version_and_leaves_the_others(store: ConfigurationStore) -> None:
    first = store.apply({"devices/a.toml": DEVICE}, "li", "a")
    store.apply({"devices/b.toml": DEVICE}, "li", "b")
    undone = store.undo("wu", first.id)
    assert (undone.how, undone.paths) == ("undo", ["devices/a.toml"])
    assert sorted(store.files()) == ["devices/b.toml", "lianji.toml"]
    store.undo("wu")
    assert sorted(store.files()) == ["devices/a.toml", "devices/b.toml", "lianji.toml"]


def test_undo_of_what_was_changed_again_since_is_refused(store: ConfigurationStore) -> None:
    first = store.apply({"devices/a.toml": DEVICE}, "li", "a")
    store.apply({"devices/a.toml": DEVICE + b"unit_id = 2\n"}, "li", "a again")
    with pytest.raises(Conflict, match=r"devices/a\.toml was changed again"):
        store.undo("wu", first.id)


def test_any_version_is_restored(store: ConfigurationStore) -> None:
    first = store.current().id
    for name in "abc":
        store.apply({f"devices/{name}.toml": DEVICE}, "li", name)
    store.restore(first, "li")
    assert sorted(store.files()) == ["lianji.toml"]
    with pytest.raises(NotFound):
        store.restore("99", "li")
    with pytest.raises(InputError, match="Nothing was changed before"):
        store.undo("li", first)


def test_so_many_versions_are_kept_and_no_content_without_one(folder: PlantFolder) -> None:
    store = ConfigurationStore(folder, versions_max=3, starting=True)
    for number in range(1, 7):
        store.apply({"devices/a.toml": DEVICE + b"unit_id = %d\n" % number}, "li", str(number))
    assert [version.id for version in store.versions()] == ["7", "6", "5"]
    contents = {path.read_bytes() for path in (folder.versions / "objects").iterdir()}
    units = sorted(int(c.split()[-1]) for c in contents if b"unit_id" in c)
    assert units == [3, 4, 5, 6]  # what the oldest that is kept replaced is there to undo it


def test_an_edit_by_hand_becomes_a_version(folder: PlantFolder, store: ConfigurationStore) -> None:
    write_device(folder.root, "m", "modbus", host="127.0.0.1")
    write_tags(folder.root, "m", "p/m/a,hr:0,uint16")
    assert store.look()
    assert not store.look()
    newest = store.versions()[0]
    assert (newest.how, newest.paths) == ("hand", ["devices/m.toml", "tags/m.csv"])


def test_a_wrong_edit_by_hand_waits_until_it_is_mended_and_blocks_nothing_else(
    folder: PlantFolder, store: ConfigurationStore
) -> None:
    store.apply({"devices/m.toml": DEVICE}, "li", "")
    (folder.devices / "m.toml").write_text('protocol = "modbus"\nho')
    assert not store.look()
    assert store.refused[0].cause.en.startswith("An edit by hand is not in use")
    store.apply({"devices/n.toml": DEVICE}, "li", "")
    with pytest.raises(Conflict, match="edited by hand"):
        store.apply({"devices/m.toml": DEVICE + b"unit_id = 2\n"}, "li", "")
    assert store.files()["devices/m.toml"] == DEVICE
    (folder.devices / "m.toml").write_bytes(DEVICE + b"unit_id = 3\n")
    assert store.look()
    assert store.refused == []
    assert store.files()["devices/m.toml"].endswith(b"unit_id = 3\n")


def test_an_edit_is_told_as_unused_until_the_plant_is_it(folder: PlantFolder) -> None:
    """Who sees no problem any more must find the mended file in use."""
    told_while_becoming: list[int] = []
    store = ConfigurationStore(
        folder, lambda *_: told_while_becoming.append(len(store.refused)), starting=True
    )
    (folder.devices / "m.toml").write_text('protocol = "modbus"\nho')
    store.look()
    (folder.devices / "m.toml").write_bytes(DEVICE)
    assert store.look()
    assert (told_while_becoming, store.refused) == ([1], [])


def test_edits_while_the_plant_stood_are_a_version_of_their_own(folder: PlantFolder) -> None:
    ConfigurationStore(folder, starting=True)
    write_device(folder.root, "m", "modbus", host="127.0.0.1")
    store = ConfigurationStore(folder, starting=True)
    assert store.versions()[0].how == "hand"
    assert "devices/m.toml" in store.current().files


def test_what_another_process_changed_is_followed(folder: PlantFolder) -> None:
    taken: list[str] = []
    running = ConfigurationStore(folder, lambda v, *_: taken.append(v.id), starting=True)
    beside = ConfigurationStore(folder)
    version = beside.apply({"devices/m.toml": DEVICE}, "li", "from the command line")
    assert running.look()
    assert taken == [version.id] and running.current().id == version.id


def test_passwords_are_in_no_difference(store: ConfigurationStore) -> None:
    secret = b'protocol = "mqtt"\nhost = "b"\nusername = "u"\npassword = "hunter2"\n'
    version = store.apply({"devices/b.toml": secret}, "li", "")
    told = store.difference(version.id)
    assert "hunter2" not in told and 'password = "***"' in told


def test_a_rolled_back_version_keeps_its_cause(store: ConfigurationStore) -> None:
    version = store.apply({"devices/m.toml": DEVICE}, "li", "")
    cause = store.check({"devices/m.toml": b"x"})[0]
    back = store.roll_back(version.id, cause)
    assert (back.how, sorted(store.files())) == ("rollback", ["lianji.toml"])
    told = store.version(version.id).rolled_back
    assert told is not None and told.code == cause.code
