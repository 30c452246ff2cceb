"""The alarms' state is opened when there is something in it, and not before."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pytest

from lianji.act.alarms.kept import Entry
from lianji.act.alarms.states import Event, Standing
from lianji.base.errors import StorageError
from lianji.base.state import State
from lianji.node.alarm_keeper import AlarmKeeper
from lianji.node.state_copy import copy_state
from lianji.node.state_place import open_state

HOT = Standing(active=True, unacknowledged=True, raised_us=1)
RAISED = Entry(1, "p/a#hot", Event.RAISED, "active", "system")


class Plant:
    """A folder whose state is opened at most once in each life."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "data").mkdir(exist_ok=True)
        (root / "lianji.toml").touch()
        self.keeper = AlarmKeeper(root / "data", lambda: self.state)

    @cached_property
    def state(self) -> State:
        return open_state(self.root)

    @property
    def is_open(self) -> bool:
        return "state" in self.__dict__

    def restarted(self) -> Plant:
        if self.is_open:
            self.state.close()
        return Plant(self.root)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def test_a_plant_without_alarms_opens_nothing(plant: Plant) -> None:
    assert plant.keeper.standings() == {}
    plant.keeper.write({}, [])
    assert plant.keeper.forget_beyond(10) == 0
    assert not plant.is_open
    assert list((plant.root / "data").iterdir()) == []


def test_a_plant_may_be_named_by_a_relative_path(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``lianji run --plant plant``, the second time."""
    plant.state.close()
    monkeypatch.chdir(plant.root.parent)
    again = Plant(Path(plant.root.name))
    assert again.keeper.standings() == {}
    copy_state(again.root / "data")
    assert (plant.root / "data" / "state.db").exists()


def test_a_state_that_holds_no_alarm_stays_shut(plant: Plant) -> None:
    plant.state.close()
    again = plant.restarted()
    assert again.keeper.standings() == {}
    assert not again.is_open


def test_the_first_alarm_opens_it_and_the_next_start_finds_it(plant: Plant) -> None:
    plant.keeper.write({"p/a#hot": HOT}, [RAISED])
    assert plant.is_open
    again = plant.restarted()
    assert again.keeper.standings() == {"p/a#hot": HOT}
    assert [line["alarm"] for line in again.keeper.journal(0, 2)] == ["p/a#hot"]
    again.restarted()


def test_after_a_restore_only_the_copy_is_there_and_it_is_asked(plant: Plant) -> None:
    plant.keeper.write({"p/a#hot": HOT}, [RAISED])
    plant.state.close()
    copy_state(plant.root / "data")
    for file in (plant.root / "data").glob("state.db*"):
        file.unlink()
    again = plant.restarted()
    assert again.keeper.standings() == {"p/a#hot": HOT}
    again.restarted()


def test_a_state_that_cannot_be_read_is_told_at_the_start(plant: Plant) -> None:
    (plant.root / "data" / "state.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as refused:
        plant.keeper.standings()
    assert refused.value.code == "state-unusable"
