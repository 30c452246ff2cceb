"""Hubs and edges for the fault tests: real plants, in this process or in ones that are killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.dictionary.batch import Batch
from lianji.node.edge import _open_door
from lianji.node.enrolment import create_hub, edges_with
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.node.state_place import open_state
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.edges import Edges
from lianji.relay.trust.identity import Identity, LetIn
from lianji.relay.uplink import UplinkStatus
from tests.faults.ledger import START_US, Ledger, Sending
from tests.peers import REPO
from tests.system.plant import write_plant

QUICK_SPOOL = "segment_bytes = 65536\nkeep_h = 0\ncommit_ms = 2"
KEEPING_SPOOL = "segment_bytes = 262144\nkeep_h = 24\ncommit_ms = 2"
"""A hub that forgets nothing, so that the checker sees also what came twice and was the same."""
EDGE = "p"


def make_hub(root: Path, port: int, spool: str = KEEPING_SPOOL, **settings: str) -> PlantFolder:
    """The folder of a hub whose door is this port."""
    folder = PlantFolder(write_plant(root, flush_s=0.05, spool=spool, **settings))
    create_hub(folder, "north")
    told = folder.settings.read_text()
    folder.settings.write_text(told.replace("port = 8461", f"port = {port}"))
    return folder


def make_edge(root: Path, spool: str = QUICK_SPOOL, flush_s: float = 0.2) -> PlantFolder:
    return PlantFolder(write_plant(root, flush_s=flush_s, spool=spool))


def enrol(
    hub: PlantFolder,
    edge: PlantFolder,
    port: int,
    name: str = EDGE,
    clock: Callable[[], int] = now_us,
    days: float = 30,
) -> None:
    """As if the edge had joined at a moment of this clock; ``port`` is where it finds the hub."""
    state = open_state(hub.root)
    try:
        authority = Authority(hub.hub, clock)
        edges = Edges(state, authority, days=days, clock=clock)
        key = new_key()
        let_in = edges.admit(edges.invite(name, [name]), request_of(key, name), name)
    finally:
        state.close()
    address = f"https://127.0.0.1:{port}"
    told = {
        "edge": name,
        "hub": authority.name,
        "certificate": let_in.pem.decode(),
        "ca": authority.pem.decode(),
        "public_key": authority.public_key_pem.decode(),
        "sites": list(let_in.sites),
        "addresses": [address],
    }
    Identity.write(edge.relay, key, LetIn.model_validate(told))
    if "[relay]" not in edge.settings.read_text():
        with edge.settings.open("a") as file:
            file.write(f'[relay]\nhubs = ["{address}"]\nedge = "{name}"\n')


def revoke(hub: PlantFolder, name: str = EDGE) -> None:
    """What the command does, beside a hub that runs."""
    state = open_state(hub.root)
    try:
        edges_with(hub, state).revoke(name)
    finally:
        state.close()


class Running:
    """A plant in a thread of this process, with its door if it is a hub."""

    def __init__(self, folder: PlantFolder) -> None:
        self.folder = folder
        self.plant = Plant(folder)
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(30)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main(started))
        self._loop.close()

    async def _main(self, started: threading.Event) -> None:
        self._ended = asyncio.Event()
        hub, door = _open_door(self.plant)
        running = asyncio.create_task(self.plant.run())
        started.set()
        await self._ended.wait()
        if hub is not None and door is not None:
            hub.stop()
            await door
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self.plant.close()

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    @property
    def uplink(self) -> UplinkStatus:
        assert self.plant.relaying is not None
        return self.plant.relaying.status()

    def arrived(self) -> bool:
        return self.uplink.position >= self.plant.spool.durable


@contextmanager
def running(folder: PlantFolder) -> Iterator[Running]:
    one = Running(folder)
    try:
        yield one
    finally:
        one.close()


class Pushing:
    """Numbered samples into an edge of this process, and what its spool said yes to."""

    def __init__(self, first: int = 0, name: str = EDGE, *, shuffled: bool = False) -> None:
        """``shuffled``: each batch in an order that takes room in the spool."""
        self._random = np.random.default_rng(first) if shuffled else None
        self.ledger = Ledger()
        self.sequences: dict[int, Sending] = {}
        self._next = first
        self._name = name

    def put(self, plant: Plant, rows: int = 20, writer: int = 0) -> bool:
        """False if the edge refused it."""
        sending = Sending(writer, self._next, rows)
        self._next += rows
        self.ledger.sent.add(sending)
        try:
            batch = batch_of(plant, sending)
            if self._random is not None:
                batch.samples = batch.samples.take(pa.array(self._random.permutation(rows)))
            sequence = plant.spool.put(batch).result(30)
        except LianjiError:
            return False
        self.ledger.acknowledged.add(sending)
        self.sequences[sequence] = sending
        return True


def batch_of(plant: Plant, sending: Sending, origin: str = "device/press") -> Batch:
    ids = plant.names.ids_of([sending.tag])
    numbers = sending.numbers
    index = np.zeros(sending.count, np.int32)
    return Batch.of(ids[index], START_US + numbers, numbers.astype(np.float64), origin=origin)


class Forks:
    """The program ``tests.faults.relay.lives``; see there."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.number = 0

    def _ask(self, line: str) -> str:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(f"{line}\n")
        self._child.stdin.flush()
        return self._child.stdout.readline().strip()

    def live(self, mode: str, milliseconds: float = 0.0) -> str:
        """One life; returns ``killed``, or ``ended CODE`` if it ended by itself."""
        self.number += 1
        return self._ask(f"life {self.number} {mode} {milliseconds}")

    def start(self) -> int:
        """Begin a life; its process id."""
        self.number += 1
        return int(self._ask(f"start {self.number}"))

    def reap(self, child: int) -> None:
        """Wait for the end of one that was started and killed."""
        assert self._ask(f"reap {child}") == "reaped"


@contextmanager
def forks(role: str, folder: PlantFolder, ledger: Path) -> Iterator[Forks]:
    """Lives of an ``edge``, which pushes numbered samples, or of a ``hub``."""
    program = [sys.executable, "-m", "tests.faults.relay.lives", role]
    child = subprocess.Popen(
        [*program, str(folder.root), str(ledger)],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        assert child.stdout.readline().strip() == "ready"
        yield Forks(child)
    finally:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()
