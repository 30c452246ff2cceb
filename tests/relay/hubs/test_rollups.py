"""A higher hub gets what each minute held, and no samples: once, also of what comes late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.node.enrolment import join_hub
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.node.rolling import MINUTE_US, READER, SETTLE_US, Rolling, hold_no_more
from lianji.node.site_file import changed
from lianji.relay.client import HubClient
from lianji.relay.picking import ROLLUP, Rollups
from lianji.relay.trust.invitation import Invitation
from lianji.relay.uplink import Uplink
from lianji.spool.record import Gap
from tests.history.conftest import Rooms
from tests.relay.overview.world import OpenHub, open_hub
from tests.relay.world import Hub, until

START_US = 1_790_000_000_000_000 // (60 * MINUTE_US) * 60 * MINUTE_US


@dataclass
class Clock:
    now_us: int = START_US

    def __call__(self) -> int:
        return self.now_us


class Lower:
    """The rooms of a plant that makes rollups."""

    def __init__(self, folder: Path, *patterns: str) -> None:
        self.rooms = Rooms(folder)
        self.clock = Clock()
        self.patterns = patterns
        self.rolling = self.open()

    def open(self) -> Rolling:
        rooms = self.rooms
        return Rolling(rooms.spool, rooms.history, rooms.names, self.patterns, self.clock)

    def put(self, path: str, start_s: float, values: list[float], quality: int = 0) -> int:
        """A sample a second."""
        [tag] = self.rooms.names.ids_of([path])
        times = START_US + round(start_s * 1e6) + np.arange(len(values)) * 1_000_000
        batch = Batch.of(np.full(len(values), tag), times, values, quality, origin="device/press")
        return self.rooms.spool.put(batch).result(10)

    def until(self, second: float) -> int:
        """The clock goes on, and rollups are made."""
        self.clock.now_us = START_US + round(second * 1e6)
        return self.rolling.turn()


@pytest.fixture
def lower(tmp_path: Path) -> Iterator[Lower]:
    made = Lower(tmp_path / "plant")
    yield made
    made.rooms.close()


@contextmanager
def sending(lower: Lower, higher: Hub) -> Iterator[Uplink]:
    client = HubClient(
        [f"https://127.0.0.1:{higher.port}"], "plant", lambda: higher.context("plant")
    )
    rooms = lower.rooms
    uplink = Uplink(rooms.spool, rooms.names, rooms.folder / "relay", client, pick=Rollups())
    uplink.start()
    try:
        yield uplink
    finally:
        uplink.close()


def newest(higher: Hub) -> dict[tuple[str, int], float]:
    """Of each tag and minute what came last."""
    return {(path, (time - START_US) // MINUTE_US): v for path, time, v in higher.samples()}


def has_all(lower: Lower, higher: Hub, uplink: Uplink) -> bool:
    return uplink.position >= lower.rooms.spool.durable


def test_minutes_go_up_and_samples_do_not(tmp_path: Path, lower: Lower) -> None:
    higher = Hub(tmp_path / "province")
    try:
        with sending(lower, higher) as uplink:
            lower.put("plant/a", 0, [float(n) for n in range(90)])
            lower.put("plant/bad", 0, [7.0] * 90, quality=0x8000)
            assert lower.until(65) == 0, "a minute is made when it has settled"
            assert lower.until(70) == 2
            lower.put("plant/a", 90, [1000.0])
            assert lower.until(131) == 2
            assert lower.until(140) == 0
            until(lambda: has_all(lower, higher, uplink), "the higher hub to have it")
            found = newest(higher)
            assert {path for path, _ in found} <= {
                f"plant/{tag}/{name}_1min"
                for tag in ("a", "bad") for name in ("avg", "min", "max", "count")
            }  # fmt: skip
            assert found["plant/a/avg_1min", 0] == 29.5
            assert found["plant/a/min_1min", 0] == 0.0
            assert found["plant/a/max_1min", 0] == 59.0
            assert found["plant/a/count_1min", 0] == 60.0
            assert found["plant/a/max_1min", 1] == 1000.0
            assert found["plant/a/count_1min", 1] == 31.0
            assert ("plant/bad/avg_1min", 0) not in found
            own = lower.rooms.history.read(["plant/a/avg_1min"], START_US, START_US + 2 * MINUTE_US)
            assert own.column("value").to_pylist()[0] == 29.5

            lower.put("plant/a", 30, [999.0])  # corrects one that is there
            assert lower.until(141) == 1
            until(lambda: newest(higher)["plant/a/max_1min", 0] == 999.0, "the minute anew")
            assert newest(higher)["plant/a/count_1min", 0] == 60.0
            assert len(higher.samples()) == 3 * len(("avg", "min", "max", "count")), "each once"
    finally:
        higher.close()


def test_after_a_crash_nothing_is_missing(lower: Lower) -> None:
    lower.put("plant/a", 0, [1.0] * 100)
    lower.until(75)  # the second minute is not over yet
    position = lower.rooms.spool.reader(READER).position
    lower.rooms.close()
    lower.rooms.open()
    lower.rolling = lower.open()
    assert lower.rooms.spool.reader(READER).position == position < lower.rooms.spool.durable
    assert lower.until(131) == 2, "the first again, which changes nothing"
    read = lower.rooms.history.read(["plant/a/count_1min"], START_US, START_US + 3 * MINUTE_US)
    assert read.column("value").to_pylist() == [60.0, 40.0]
    lower.rooms.history.flush()
    modified = lower.rooms.history.modified(
        ["plant/a/count_1min"], START_US, START_US + 3 * MINUTE_US
    )
    assert len(modified) == 0


def test_a_clock_far_ahead_does_not_hold_the_spool(lower: Lower) -> None:
    last = lower.put("plant/a", 86_400, [1.0])
    assert lower.until(0) == 1
    assert lower.rooms.spool.reader(READER).position >= last


def test_only_the_tags_that_are_asked_for_and_never_a_rollup_of_a_rollup(tmp_path: Path) -> None:
    lower = Lower(tmp_path / "plant", "plant/line1/*")
    try:
        lower.put("plant/line1/a", 0, [1.0])
        lower.put("plant/line2/a", 0, [1.0])
        assert lower.until(70) == 1
        assert lower.until(500) == 0
        [tag] = lower.rooms.names.ids_of(["plant/line1/b"])
        below = Batch.of([tag], START_US, [1.0], origin=f"park1/{ROLLUP}")
        lower.rooms.spool.put(below).result(10)
        assert lower.until(600) == 0
    finally:
        lower.rooms.close()


def test_what_was_lost_is_told_and_what_came_from_below_as_a_rollup_goes_on(lower: Lower) -> None:
    spool, pick = lower.rooms.spool, Rollups()
    raw = Batch.of(lower.rooms.names.ids_of(["plant/a"]), START_US, [1.0], origin="device/press")
    contents = [raw, replace(raw, origin=f"park1/{ROLLUP}"), Gap("disk cap", 1, 2, 3, 4, 5)]
    sequences = [spool.put(content).result(10) for content in contents]
    records = [spool.record(sequence) for sequence in sequences]
    assert [record is not None and pick(record) is not None for record in records] == [
        False,
        True,
        True,
    ]


def test_of_words_it_is_told_how_many_came(lower: Lower) -> None:
    [tag] = lower.rooms.names.ids_of(["plant/state"])
    said = Batch.of([tag], START_US, [np.nan], texts=["on"], origin="device/press")
    lower.rooms.spool.put(said).result(10)
    assert lower.until(70) == 1
    made = [one.content for one in lower.rooms.spool.after(1)]
    paths = lower.rooms.names.paths
    assert [
        (paths[tag], value)
        for batch in made
        if isinstance(batch, Batch)
        for tag, value in zip(batch.tags, batch.samples.column(2).to_pylist(), strict=True)
    ] == [("plant/state/count_1min", 1.0)]


def test_a_joined_plant_sends_rollups_by_one_setting(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        folder = PlantFolder(tmp_path / "park1")
        folder.create("park1", 0)
        token = hub.door.edges.invite("park1", ["park1"])
        fingerprint = hub.door.authority.fingerprint
        join_hub(folder, Invitation.of(f"https://127.0.0.1:{hub.port}", token, fingerprint))
        with changed(folder) as document:
            document["relay"]["rollups"] = True
        plant = Plant(folder)
        with running(plant) as loop:
            times = START_US + np.arange(120) * 1_000_000
            put = plant.append(["park1/a"], np.zeros(120, np.int32), times,
                               np.arange(120.0), None, None, "push")  # fmt: skip
            asyncio.run_coroutine_threadsafe(put, loop).result(10)
            find = hub.plant.names.find
            until(lambda: find("park1/a/count_1min") is not None, "a rollup at the hub", 30)
            until(lambda: len(read(hub, "park1/a/avg_1min")) == 2, "both minutes", 30)
            assert read(hub, "park1/a/avg_1min") == [29.5, 89.5]
            assert hub.plant.spool.durable
            assert sum(one.rows for one in hub.plant.spool.after(0)) == 8


def read(hub: OpenHub, path: str) -> list[float]:
    table = hub.plant.history.read([path], START_US, START_US + 10 * MINUTE_US)
    return table.column("value").to_pylist()  # type: ignore[no-any-return]


@contextmanager
def running(plant: Plant) -> Iterator[asyncio.AbstractEventLoop]:
    """In a thread, until the end."""
    found: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def main() -> None:
        task = asyncio.create_task(plant.run())
        found.append((asyncio.get_running_loop(), task))
        await asyncio.gather(task, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    until(lambda: bool(found), "the plant to run")
    loop, task = found[0]
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        plant.close()


def test_switched_off_it_holds_nothing(lower: Lower) -> None:
    lower.put("plant/a", 0, [1.0])
    kept = lower.rooms.spool.folder / "readers" / READER
    assert kept.exists()
    hold_no_more(lower.rooms.spool)
    assert not kept.exists()


def test_it_begins_with_what_comes(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path / "plant")
    rooms.put("plant/old", [0.0], [1.0])
    rooms.close()
    lower = Lower(tmp_path / "plant")
    try:
        assert lower.until(10**6) == 0
        assert SETTLE_US < MINUTE_US
    finally:
        lower.rooms.close()
