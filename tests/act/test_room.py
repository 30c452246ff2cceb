"""The alarm room: what it keeps over a restart, what people decide, what a full disk does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

import lianji.act.alarms.room as room_module
from lianji.act.alarms.alarm import Row
from lianji.act.alarms.definition import AlarmDefinition
from lianji.act.alarms.lines import AlarmLine, folded_lines
from lianji.act.alarms.room import AlarmRoom, Plan
from lianji.act.alarms.states import AlarmState
from lianji.act.alarms.store import AlarmStore
from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound, StorageError
from lianji.base.state import State
from lianji.dictionary.batch import Batch
from lianji.history.history import History
from lianji.history.tiers import TierFiles
from lianji.history.view.view import View
from tests.peers import wait_until
from tests.peers.postgres import postgres

HOT = AlarmDefinition(name="hot", tag="p/*/t", kind="H", limit=90)  # type: ignore[arg-type]


class Plant:
    """A history in memory, a state database on disk, and an alarm room that can begin anew."""

    def __init__(self, state: State, *definitions: AlarmDefinition) -> None:
        self.state = state
        self.steady_s = 1000.0
        self.database: State | FullDisk = self.state
        self.paths: list[str] = []
        self._batches: list[Batch] = []
        self.history = History("p", self, self._moment, lambda path: True)
        self.definitions = list(definitions or [HOT])
        self.room = self.begin()

    def begin(self) -> AlarmRoom:
        rows = [Row(one, "a.csv", n + 2) for n, one in enumerate(self.definitions)]
        plan = Plan(rows, lambda: self.paths, lambda path: path in self.paths)
        self.room = AlarmRoom(plan, self.history, AlarmStore(self.database))
        return self.room

    def find(self, path: str) -> int | None:
        return self.paths.index(path) if path in self.paths else None

    def _moment(self) -> View:
        return View(TierFiles(()), tuple(self._batches), self.find)

    def tell(self, **values: float) -> Plant:
        """Samples of ``p/<name>/t`` at this moment, and a look."""
        for name, value in values.items():
            path = f"p/{name}/t"
            if path not in self.paths:
                self.paths.append(path)
            tag = np.array([self.paths.index(path)], np.int32)
            self._batches.append(Batch.of(tag, np.array([now_us()]), np.array([value])))
        self.look()
        return self

    def look(self, later_s: float = 1.0) -> None:
        self.steady_s += later_s
        self.room.step(now_us(), self.steady_s)

    @property
    def states(self) -> dict[str, AlarmState]:
        return {line.id: line.state for line in self.room.standing_out()}

    def events(self) -> list[tuple[str, str]]:
        rows = self.room.journal(0, 2**62)
        return [(row["event"], row["who"]) for row in reversed(rows)]


class FullDisk:
    """A database that refuses every write, as SQLite does when the disk is full."""

    def __init__(self, state: State) -> None:
        self._state = state

    def reading(self) -> AbstractContextManager[sa.Connection]:
        return self._state.reading()

    def writing(self) -> AbstractContextManager[sa.Connection]:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))


@pytest.fixture
def plant(state: State) -> Plant:
    return Plant(state)


def test_all_of_it_is_as_it_was_after_a_restart(plant: Plant) -> None:
    plant.tell(a=95, b=95, c=95, d=95)
    plant.room.acknowledge(["p/b/t#hot"], "wang", "seen")
    plant.room.shelve(["p/c/t#hot"], 60, "li", "cleaning")
    plant.room.take_out(["p/d/t#hot"], "zhao", "probe broken")
    before = plant.room.standing_out()
    plant.begin()
    assert {one.id: one for one in _timeless(plant.room.standing_out())} == {
        one.id: one for one in _timeless(before)
    }
    plant.look()
    assert plant.states == {
        "p/a/t#hot": "unacknowledged",
        "p/b/t#hot": "acknowledged",
        "p/c/t#hot": "shelved",
        "p/d/t#hot": "out_of_service",
    }
    assert [line.id for line in plant.room.listed()] == ["p/a/t#hot", "p/b/t#hot"]
    assert plant.events()[4:] == [
        ("acknowledged", "wang"),
        ("shelved", "li"),
        ("taken_out", "zhao"),
    ]


def _timeless(lines: Sequence[AlarmLine]) -> list[AlarmLine]:
    """Without the value, which a new room has not looked at yet."""
    return [replace(line, value=None) for line in lines]


def test_what_ended_while_nobody_looked_is_over_and_still_to_be_seen(plant: Plant) -> None:
    plant.tell(a=95)
    room = plant.room
    plant._batches.clear()
    plant.begin()
    plant.tell(a=20)
    assert plant.room is not room
    assert plant.states == {"p/a/t#hot": "returned"}


def test_a_room_that_begins_before_its_database_recalls_what_stood() -> None:
    with postgres() as server:
        url = server.database()
        before = State(url)
        Plant(before).tell(a=95).room.acknowledge(["p/a/t#hot"], "wang")
        before.close()
        server.kill()
        plant = Plant(State(url, at_once=False))
        assert plant.room.error is not None
        assert plant.room.error.code == "state-unreachable"
        with pytest.raises(StorageError):
            plant.tell(a=96)
        assert plant.states == {}, "nobody knows what is news"
        server.start()
        plant.look()
        assert plant.states == {"p/a/t#hot": "acknowledged"}
        assert [event for event, _ in plant.events()] == ["raised", "acknowledged"]
        plant.state.close()


def test_a_pattern_takes_in_tags_that_come_later(plant: Plant) -> None:
    plant.tell(a=95)
    plant.tell(b=99)
    assert set(plant.states) == {"p/a/t#hot", "p/b/t#hot"}
    [defined] = plant.room.defined()
    assert (defined.alarms, defined.problem) == (2, None)


def test_new_tags_break_no_delay_that_runs(state: State) -> None:
    slow = HOT.model_copy(update={"on_delay_s": 10})
    plant = Plant(state, slow)
    plant.paths = ["p/a/t"]
    plant.tell(a=95)
    plant.tell(b=1)
    plant.look(later_s=9.5)
    assert plant.states == {"p/a/t#hot": "unacknowledged"}
    plant.state.close()


def test_an_alarm_whose_row_is_gone_is_written_off_in_the_journal(plant: Plant) -> None:
    plant.tell(a=95)
    plant.definitions = [HOT.model_copy(update={"name": "warm"})]
    plant.begin()
    assert plant.events()[-1] == ("removed", "system")
    plant.look()
    assert set(plant.states) == {"p/a/t#warm"}


def test_acknowledging_twice_changes_once(plant: Plant) -> None:
    plant.tell(a=95)
    assert plant.room.acknowledge(["p/a/t#hot", "p/a/t#hot"], "wang") == 1
    assert plant.room.acknowledge(["p/a/t#hot"], "li") == 0
    assert plant.events() == [("raised", "system"), ("acknowledged", "wang")]


def test_of_several_all_are_changed_or_none(plant: Plant) -> None:
    plant.tell(a=95)
    with pytest.raises(NotFound):
        plant.room.acknowledge(["p/a/t#hot", "p/x/t#hot"], "wang")
    assert plant.states == {"p/a/t#hot": "unacknowledged"}


@pytest.mark.parametrize("minutes", [0, -5, 7 * 24 * 60 + 1, float("nan"), float("inf")])
def test_nothing_is_shelved_for_ever(plant: Plant, minutes: float) -> None:
    plant.tell(a=95)
    with pytest.raises(InputError):
        plant.room.shelve(["p/a/t#hot"], minutes, "wang", "")


def test_a_shelved_alarm_is_back_when_its_time_is_over(plant: Plant) -> None:
    plant.tell(a=95)
    plant.room.acknowledge(["p/a/t#hot"], "wang")
    plant.room.shelve(["p/a/t#hot"], 5, "wang", "")
    plant.room.step(now_us() + 4 * 60_000_000, plant.steady_s)
    assert plant.states == {"p/a/t#hot": "shelved"}
    plant.room.step(now_us() + 5 * 60_000_000 + 1, plant.steady_s)
    assert plant.states == {"p/a/t#hot": "unacknowledged"}
    assert plant.events()[-1] == ("unshelved", "system")


def test_out_of_service_wants_a_reason(plant: Plant) -> None:
    plant.tell(a=95)
    with pytest.raises(InputError):
        plant.room.take_out(["p/a/t#hot"], "wang", "  ")
    plant.room.take_out(["p/a/t#hot"], "wang", "repair")
    assert plant.room.put_back(["p/a/t#hot"], "wang") == 1
    assert plant.states == {"p/a/t#hot": "unacknowledged"}


def test_nobody_is_told_yes_while_the_disk_is_full_and_nothing_is_forgotten(plant: Plant) -> None:
    plant.tell(a=95)
    good, plant.database = plant.state, FullDisk(plant.state)
    plant.room.store = AlarmStore(plant.database)
    with pytest.raises(StorageError, match="disk is full"):
        plant.room.acknowledge(["p/a/t#hot"], "wang")
    assert plant.states == {"p/a/t#hot": "unacknowledged"}
    with pytest.raises(StorageError):
        plant.tell(b=95)
    assert set(plant.states) == {"p/a/t#hot", "p/b/t#hot"}, "it is shown all the same"
    plant.room.store = AlarmStore(good)
    plant.look()
    assert plant.events() == [("raised", "system"), ("raised", "system")]
    assert set(AlarmStore(good).standings()) == {"p/a/t#hot", "p/b/t#hot"}


def test_the_journal_is_read_page_by_page(plant: Plant) -> None:
    for value in (95, 20, 95, 20):
        plant.tell(a=value)
    first = plant.room.journal(0, 2**62, limit=3)
    rest = plant.room.journal(0, 2**62, before=first[-1]["id"], limit=3)
    assert [row["event"] for row in first + rest] == ["returned", "raised", "returned", "raised"]
    assert plant.room.journal(0, 2**62, alarm="p/b/t#hot") == []
    assert [row["value"] for row in rest] == [95.0]


def test_the_journal_keeps_its_newest_lines(plant: Plant) -> None:
    for value in (95, 20, 95, 20):
        plant.tell(a=value)
    assert plant.room.store.forget_beyond(3) == 1
    assert plant.room.store.forget_beyond(3) == 0
    assert [event for event, _ in plant.events()] == ["returned", "raised", "returned"]


def test_the_summary_counts_and_names_the_most_urgent(state: State) -> None:
    urgent = AlarmDefinition(name="max", tag="p/c/t", kind="HH", limit=99, priority=1)  # type: ignore[arg-type]
    plant = Plant(state, HOT, urgent)
    plant.tell(a=95, b=95, c=100)
    plant.room.acknowledge(["p/a/t#hot"], "wang")
    plant.room.shelve(["p/b/t#hot"], 5, "wang", "")
    summary = plant.room.summary()
    assert (summary.unacknowledged, summary.active, summary.shelved) == (2, 3, 1)
    assert summary.by_priority == {1: 1, 3: 2}
    assert summary.most_urgent is not None and summary.most_urgent.id == "p/c/t#max"
    plant.state.close()


def test_a_flood_in_the_list_is_one_line(plant: Plant) -> None:
    plant.tell(**{f"m{n}": 95 for n in range(43)})
    [fold] = folded_lines(plant.room.listed())
    assert fold.is_flood and len(fold.lines) == 43


def test_the_thread_watches_by_itself(plant: Plant) -> None:
    plant.room.start()
    try:
        path, now = "p/a/t", now_us()
        plant.paths.append(path)
        plant._batches.append(Batch.of(np.array([0], np.int32), np.array([now]), np.array([95.0])))
        wait_until(lambda: plant.states == {"p/a/t#hot": "unacknowledged"}, what="the alarm")
        assert plant.room.error is None
    finally:
        plant.room.close()


def test_a_room_that_fails_says_why_and_goes_on_when_it_can(plant: Plant) -> None:
    plant.tell(a=95)
    good = plant.room.store
    plant.room.store = AlarmStore(FullDisk(plant.state))
    plant._batches.append(Batch.of(np.array([0], np.int32), np.array([now_us()]), np.array([9.0])))
    plant.room.start()
    try:
        wait_until(lambda: plant.room.error is not None, what="the error")
        assert plant.room.error is not None
        assert plant.room.error.code == "alarm-state-unwritable"
        plant.room.store = good
        wait_until(lambda: plant.room.error is None, what="all well again")
        assert plant.events()[-1] == ("returned", "system")
    finally:
        plant.room.close()


def test_a_room_that_hangs_says_that_nobody_watches(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "LATE_S", 0.1)
    plant.tell(a=20)
    answered = threading.Event()

    class Silent:
        def last(self, tags: Sequence[str] | None = None) -> pa.Table:
            answered.wait(20)
            return plant.history.last(tags)

    plan = Plan([Row(HOT)], lambda: plant.paths, lambda path: True)
    room = AlarmRoom(plan, Silent(), AlarmStore(plant.state))
    room.start()
    try:
        wait_until(lambda: room.error is not None, what="the error")
        assert room.error is not None and room.error.code == "alarms-late"
        assert room.summary().active == 0, "it answers all the same"
    finally:
        answered.set()
        room.close()
