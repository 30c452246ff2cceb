"""A crash at each write of a change: afterwards all of it is there, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lianji.node.configuring.places import read_files
from lianji.node.configuring.store import ConfigurationStore
from lianji.node.folder import PlantFolder
from tests.node.configuring.test_store import DEVICE, TABLE
from tests.system.plant import write_plant

OLD = {"devices/a.toml": DEVICE, "devices/b.toml": DEVICE, "tags/m.csv": b"path\np/x\n"}
CHANGE: dict[str, bytes | None] = {
    "devices/a.toml": DEVICE + b"unit_id = 2\n",
    "devices/b.toml": None,
    "devices/m.toml": DEVICE,
    "tags/m.csv": TABLE,
}
CRASHED, WHOLE = 9, 0


def crash_at(number: int, work: Callable[[], Any]) -> int:
    """Do it in a process that dies before its ``number``-th write; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        left = [number]

        def dying(act: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*arguments: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    os._exit(CRASHED)
                return act(*arguments, **more)

            return counted

        os.fsync = dying(os.fsync)
        for name in ("rename", "unlink"):
            setattr(Path, name, dying(getattr(Path, name)))
        work()
        os._exit(WHOLE)
    except BaseException:
        os._exit(1)


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(write_plant(tmp_path / "p"))
    ConfigurationStore(folder, starting=True).apply(OLD, "li", "before")
    return folder


def contents(folder: PlantFolder) -> dict[str, bytes]:
    return {path: text for path, text in read_files(folder.root).items() if path != "lianji.toml"}


def test_a_change_happens_as_a_whole_or_not_at_all(folder: PlantFolder) -> None:
    new = {path: text for path, text in {**OLD, **CHANGE}.items() if text is not None}
    outcomes = {"old": 0, "new": 0}
    for number in range(200):
        store = ConfigurationStore(folder)
        before = store.current()
        code = crash_at(number, lambda: ConfigurationStore(folder).apply(CHANGE, "li", "after"))
        assert code in (CRASHED, WHOLE), number
        again = ConfigurationStore(folder, starting=True)
        assert contents(folder) in (OLD, new), number
        assert dict(again.files()) == read_files(folder.root)
        assert again.current().how != "hand", number
        happened = contents(folder) == new
        outcomes["new" if happened else "old"] += 1
        if happened:
            assert again.current().note == "after"
            again.restore(before.id, "li")
        if code == WHOLE:
            break
    else:
        pytest.fail("the change never ended")
    assert outcomes["old"] > 3 and outcomes["new"] > 3


def test_what_a_person_edited_after_the_crash_stays(folder: PlantFolder) -> None:
    for number in range(200):
        crash_at(number, lambda: ConfigurationStore(folder).apply(CHANGE, "li", "after"))
        if (folder.versions / "intent.json").exists() and contents(folder) == OLD:
            break
    else:
        pytest.fail("no crash between the decision and the first file")
    mine = DEVICE + b"unit_id = 7\n"
    (folder.devices / "a.toml").write_bytes(mine)
    store = ConfigurationStore(folder, starting=True)
    assert contents(folder)["devices/a.toml"] == mine
    assert contents(folder)["devices/m.toml"] == DEVICE
    assert store.current().how == "hand"


def test_a_roll_back_survives_a_crash(folder: PlantFolder) -> None:
    cause = ConfigurationStore(folder).check({"devices/a.toml": b"x"})[0]
    for number in range(200):
        version = ConfigurationStore(folder).apply({"devices/n.toml": DEVICE}, "li", "broken").id
        code = crash_at(number, lambda v=version: ConfigurationStore(folder).roll_back(v, cause))
        store = ConfigurationStore(folder, starting=True)
        there = "devices/n.toml" in contents(folder)
        assert store.current().how == ("change" if there else "rollback"), number
        assert there == (store.version(version).rolled_back is None)
        if there:
            store.undo("li")
        if code == WHOLE:
            return
    pytest.fail("the roll-back never ended")
