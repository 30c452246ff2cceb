"""Hub processes over one table in a real store and one real database, behind one address."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import duckdb

from lianji.base.ids import new_id
from lianji.history.delta.log import DeltaLog
from lianji.history.places.bucket import BucketPlace
from lianji.history.settings import S3Settings
from lianji.history.tables import SAMPLES
from lianji.node.enrolment import create_hub, edges_of
from lianji.node.folder import PlantFolder
from lianji.node.hub import HubDoor
from lianji.node.plant import Plant
from lianji.relay.trust import tls
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.certificates import key_pem, new_key, request_of
from tests.peers import free_port
from tests.peers.seaweedfs import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, SeaweedFS
from tests.relay.line import Line
from tests.relay.world import START_US, Edge, until

LEASE_S = 2


class Balancer(Line):
    """One address: each new connection goes to the next process."""

    def __init__(self, *ports: int) -> None:
        self._ports = list(ports)
        self._numbers = count()
        super().__init__(0)

    @property
    def target(self) -> int:
        return self._ports[next(self._numbers) % len(self._ports)]

    @target.setter
    def target(self, port: int) -> None:
        """There are several."""


class Common:
    """What the processes share: the bucket, the database, the keys of the hub."""

    def __init__(
        self, root: Path, server: SeaweedFS, state_url: str, flush_s: float = 3600
    ) -> None:
        self.root = root
        self.state_url = state_url
        self.flush_s = flush_s
        self.bucket = {
            "url": f"s3://{BUCKET}/{new_id().hex()}",
            "endpoint": server.endpoint,
            "access_key_id": ACCESS_KEY_ID,
            "secret_access_key": SECRET_ACCESS_KEY,
            "allow_http": True,
        }
        self.edges: list[Edge] = []
        self._open: list[Edge] = []

    def folder(self, name: str, *, told: bool = True) -> PlantFolder:
        """The folder of one process, its keys those of the first. ``told``: whether edges are told
        its address."""
        folder = PlantFolder(self.root / name)
        for part in (folder.devices, folder.tags, folder.data):
            part.mkdir(parents=True)
        port = free_port()
        own = f'process_address = "https://127.0.0.1:{port}"\n' if told else ""
        bucket = "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.bucket.items())
        folder.settings.write_text(
            f'[site]\nname = "hq"\ntime_zone = "UTC"\n'
            f"[spool]\ncommit_ms = 2\n"
            f"[web]\nport = 0\nopen = true\n"
            f'[state]\nurl = "{self.state_url}"\n'
            f'[hub]\nname = "north"\nport = {port}\nlease_s = {LEASE_S}\nreconcile_at = ""\n{own}'
            f"[history]\nflush_s = {self.flush_s}\n[history.shared.bucket]\n{bucket}"
        )
        first = next(iter(sorted(self.root.glob("*/data/hub/ca.pem"))), None)
        if first is None:
            create_hub(folder, "north")
        elif not folder.hub.exists():
            shutil.copytree(first.parent, folder.hub)
        return folder

    def admit(self, folder: PlantFolder, edge: str) -> None:
        """As if it had joined: its certificate in a file."""
        key = new_key()
        with edges_of(folder) as edges:
            admitted = edges.admit(edges.invite(edge, [edge]), request_of(key, edge), edge)
        self.authority = Authority(folder.hub)
        content = key_pem(key) + admitted.pem + self.authority.pem
        (self.root / f"{edge}.pem").write_bytes(content)

    def context(self, edge: str) -> ssl.SSLContext:
        return tls.client_context(self.authority.pem, self.root / f"{edge}.pem")

    def edge(self, name: str, port: int) -> Edge:
        made = Edge(self.root / name, self, name, port)  # type: ignore[arg-type]
        self.edges.append(made)
        self._open.append(made)
        return made

    def close_edges(self) -> None:
        closed, self._open = self._open, []
        for edge in closed:
            edge.close()

    # -- the table ---------------------------------------------------------------------------

    @property
    def place(self) -> BucketPlace:
        told = self.bucket | {"url": f"{self.bucket['url']}/samples"}
        return BucketPlace(S3Settings.model_validate(told), self.root / "scratch")

    def place_files(self) -> list[str]:
        return [file.path for file in DeltaLog(self.place, SAMPLES, create=False).files]

    def rows(self) -> list[tuple[str, int, float]]:
        """All that the table's files hold, downloaded and read by DuckDB: path, time, value."""
        place, found = self.place, []
        for file in DeltaLog(place, SAMPLES, create=False).files:
            local = self.root / "downloaded.parquet"
            with place.open(file.path) as source:
                local.write_bytes(source.read())
            query = f"select tag, epoch_us(time), value from '{local}'"
            found += duckdb.sql(query).fetchall()
        return found

    def check(self) -> None:
        """Each sample of each edge is in the table once, and no lane has ever gone back."""
        assert sorted(self.rows()) == sorted(
            (f"{edge.name}/line/value", START_US + n, float(n))
            for edge in self.edges
            for n in range(edge.sent)
        )
        marks: dict[str, int] = {}
        for lane, version in self.transactions():
            assert version >= marks.get(lane, 0), lane
            marks[lane] = version
        assert {lane.split("/")[2] for lane in marks} == {edge.name for edge in self.edges}

    def transactions(self) -> list[tuple[str, int]]:
        """Of lanes, in the order of the table's versions."""
        place, found = self.place, []
        for name in sorted(name for name, _, _ in place.names("_delta_log/")):
            if name.endswith(".json"):
                actions = [json.loads(line) for line in place.read(name).splitlines()]
                told = [action["txn"] for action in actions if "txn" in action]
                found += [(txn["appId"], txn["version"]) for txn in told]
        return [
            (source, version)
            for source, version in found
            if source.startswith("lianji/relay/") and not source.endswith("/check")
        ]


class Process:
    """One hub process, in a thread of this one; flushes when it is told to."""

    def __init__(self, folder: PlantFolder) -> None:
        self.folder = folder
        self.open()

    def open(self) -> None:
        self.plant = Plant(self.folder)
        settings = self.plant.configuration.settings.hub
        assert settings is not None
        self.port = settings.port
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        started, failed = threading.Event(), []

        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            try:
                self.door = HubDoor(self.plant, settings)
            except Exception as error:
                failed.append(error)
                raise
            finally:
                started.set()
            await self.door.serve(listener)

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert started.wait(30) and not failed, failed
        self._frozen: threading.Event | None = None

    @property
    def mine(self) -> dict[str, int]:
        assert self.door.door.ownership is not None
        return self.door.door.ownership.mine

    def flush(self) -> None:
        self.plant.history.flush()

    def freeze(self) -> None:
        """As a process does that sleeps: nothing is answered, no lease renewed."""
        self._frozen = threading.Event()
        self.loop.call_soon_threadsafe(self._frozen.wait)

    def thaw(self) -> None:
        assert self._frozen is not None
        self._frozen.set()
        self._frozen = None

    def close(self) -> None:
        if self._frozen:
            self.thaw()
        self.loop.call_soon_threadsafe(self.door.stop)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self.plant.close()


@contextmanager
def several(common: Common, *, told: bool = True) -> Iterator[tuple[Process, Process, Balancer]]:
    """Two processes behind one address, and an edge ``e`` admitted."""
    folders = [common.folder(name, told=told) for name in ("a", "b")]
    common.admit(folders[0], "e")
    processes = [Process(folder) for folder in folders]
    balancer = Balancer(*(one.port for one in processes))
    try:
        yield processes[0], processes[1], balancer
    finally:
        common.close_edges()
        balancer.close()
        for one in processes:
            one.close()


def owner_first(a: Process, b: Process, edge: str = "e") -> tuple[Process, Process]:
    """The process that looks after an edge, and the other."""
    until(lambda: (edge in a.mine) != (edge in b.mine), "one owner", 30)
    return (a, b) if edge in a.mine else (b, a)


__all__ = ["Balancer", "Common", "Process", "owner_first", "several", "until"]
