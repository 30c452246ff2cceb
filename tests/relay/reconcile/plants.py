"""A hub and its edges as real plants in one process, with doors and relays as ``run`` has them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lianji.dictionary.batch import Batch
from lianji.node.enrolment import create_hub, invite, join_hub
from lianji.node.folder import PlantFolder
from lianji.node.hub import HubDoor
from lianji.node.plant import Plant
from lianji.relay.reconcile.comparing import Difference
from lianji.relay.reconcile.run import Run
from tests.relay.world import until

T = TypeVar("T")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
START_US = 1_780_272_000_000_000  # 2026-06-01T00:00Z
SETTINGS = """
[site]
name = "{site}"
time_zone = "UTC"
[spool]
commit_ms = 2
[history]
flush_s = 3600
[web]
port = 0
open = true
"""


def write_folder(root: Path, site: str, more: str = "") -> PlantFolder:
    folder = PlantFolder(root)
    for part in (folder.devices, folder.tags, folder.data):
        part.mkdir(parents=True, exist_ok=True)
    folder.settings.write_text(SETTINGS.format(site=site) + more)
    return folder


def put(plant: Plant, tag: str, first_us: int, rows: int, step_us: int = 1_000_000,
        value: float = 0.0) -> int:  # fmt: skip
    """Numbered samples of a tag into a plant's spool; the sequence."""
    ids = plant.names.ids_of([tag] * rows)
    times = first_us + np.arange(rows, dtype=np.int64) * step_us
    batch = Batch.of(ids, times, value + np.arange(rows), origin="device/press")
    return plant.spool.put(batch).result(20)


def samples(plant: Plant, tag: str) -> list[tuple[int, float]]:
    """Times and values of all samples of a tag."""
    if plant.names.find(tag) is None:
        return []
    table = plant.history.read([tag], 0, 4_102_444_800_000_000)
    times = table.column("time").cast("int64").to_pylist()
    return list(zip(times, table.column("value").to_pylist(), strict=True))


@dataclass
class World:
    """One event loop in a thread of its own, a hub in it, and edges that have joined."""

    root: Path
    hub_settings: str = ""
    edges: dict[str, Plant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self.folder = write_folder(
            self.root / "hub", "hq", f'[hub]\nname = "north"\nport = 0\n{self.hub_settings}\n'
        )
        create_hub(self.folder, "north")
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self.hub = Plant(self.folder)
        self.call(self._open_hub())

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_s: float = 60.0) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    async def _open_hub(self) -> None:
        settings = self.hub.configuration.settings.hub
        assert settings is not None
        self.hub.hub = HubDoor(self.hub, settings)
        self._tasks["door"] = asyncio.create_task(self.hub.hub.serve(self._listener))
        self._tasks["hub"] = asyncio.create_task(self.hub.run())

    # -- edges -------------------------------------------------------------------------------

    def join(self, name: str, more: str = "", sites: Sequence[str] = ()) -> PlantFolder:
        """A folder that has joined; whatever lies in it stays."""
        folder = PlantFolder(self.root / name)
        if not folder.settings.exists():
            write_folder(folder.root, name, more)
        join_hub(folder, invite(self.folder, name, sites, f"127.0.0.1:{self.port}", "test"))
        return folder

    def start(self, name: str) -> Plant:
        """Run an edge; back when the hub has heard of it."""
        plant = self.edges[name] = Plant(PlantFolder(self.root / name))
        self.call(self._run(name, plant))
        heard = self.door.conversation.heard
        heard.pop(name, None)
        until(lambda: name in heard, f"{name} to be heard")
        return plant

    def edge(self, name: str = "park1") -> Plant:
        self.join(name)
        return self.start(name)

    async def _run(self, name: str, plant: Plant) -> None:
        self._tasks[name] = asyncio.create_task(plant.run())

    def stop(self, name: str) -> None:
        self.call(self._cancel(name))
        closing = threading.Thread(target=self.edges.pop(name).close)
        closing.start()
        until(lambda: self._let_go(name, closing), f"{name} to end")

    def _let_go(self, name: str, closing: threading.Thread) -> bool:
        """The edge's held request ends when there is news, and its thread with it."""
        self.loop.call_soon_threadsafe(self.door.conversation.news, name)
        return not closing.is_alive()

    async def _cancel(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def relayed(self, plant: Plant) -> None:
        """Wait until the hub has all of an edge's spool."""
        assert plant.relaying is not None
        uplink = plant.relaying.uplink
        until(
            lambda: uplink.status().position >= plant.spool.durable,
            "the edge to have sent everything",
        )

    # -- comparing ---------------------------------------------------------------------------

    @property
    def door(self) -> HubDoor:
        assert self.hub.hub is not None
        return self.hub.hub

    def compare(
        self, edge: str = "park1", timeout_s: float = 60.0, **more: Any
    ) -> tuple[Run, list[Difference]]:
        """A whole run; June 2026 unless said otherwise."""
        asked = {"from_us": START_US, "to_us": START_US + 30 * DAY_US, **more}
        begun = self.call(self.door.reconciler.start(edge, **asked))
        return self.wait(begun.id, timeout_s)

    def wait(self, number: int, timeout_s: float = 60.0) -> tuple[Run, list[Difference]]:
        reconciler = self.door.reconciler
        until(lambda: reconciler.runs.get(number).is_over, "the comparison to end", timeout_s)
        run, found = reconciler.found(number, 10_000)
        return run, list(found)

    def close(self) -> None:
        for name in list(self.edges):
            self.stop(name)
        self.door.stop()
        self.call(self._ended())
        self.hub.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        self.loop.close()

    async def _ended(self) -> None:
        await self._tasks.pop("door")
        await self._cancel("hub")


@contextmanager
def world(root: Path, hub_settings: str = 'reconcile_at = ""') -> Iterator[World]:
    made = World(root, hub_settings)
    try:
        yield made
    finally:
        made.close()
