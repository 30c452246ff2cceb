"""Hubs of one group and their edges in one process: real spools, real TLS on loopback."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lianji.dictionary.tag_ids import TagIds
from lianji.relay.both import Both
from lianji.relay.client import HubClient
from lianji.relay.door import Door
from lianji.relay.exchange import Conversation
from lianji.relay.generation import Highest
from lianji.relay.group import Telling, answer
from lianji.relay.picking import NotFrom
from lianji.relay.receiving import Receiving, Sender
from lianji.relay.server import DoorServer
from lianji.relay.settings import SyncPolicy
from lianji.relay.standing import Role, Standing
from lianji.relay.trust.edges import newer
from lianji.relay.trust.peer import EdgeRow
from lianji.relay.uplink import Uplink
from lianji.spool.spool import Spool
from tests.relay import world
from tests.relay.world import START_US, Edge, until


class GroupGate(world.Gate):
    """Edges by their names; names that begin with ``hub-`` are hubs of the group."""

    def sender(self, certificate: bytes | None) -> Sender:
        found = super().sender(certificate)
        if found.edge.startswith("hub-"):
            return Sender(found.edge, ("*",), is_hub=True)
        return found


class Members:
    """The list of edges, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, EdgeRow] = {}

    def all(self) -> list[EdgeRow]:
        return list(self.rows.values())

    def take(self, rows: Sequence[EdgeRow]) -> int:
        taken = [row for row in rows if newer(self.rows.get(row.name), row)]
        self.rows.update({row.name: row for row in taken})
        return len(taken)


@dataclass
class GroupHub(world.Hub):
    """A hub with a standing, that may send to another."""

    name: str = "hub-a"
    role: Role = Role.ACTIVE
    sync: SyncPolicy | None = None
    sync_wait_s: float = 0.3
    uplink: Uplink | None = None
    both: Both | None = None
    members: Members = field(default_factory=lambda: Members())

    def open(self) -> None:
        self.gate = GroupGate()
        keys = self.folder / "hub"
        self.standing = Standing(keys, self.authority.signing_key)
        if self.role is not Role.ACTIVE and not (keys / "standing.json").exists():
            self.standing.begin(self.role, 1)
        super().open()

    async def _main(self, started: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.conversation = Conversation()
        also = None
        if self.sync is not None:
            self.both = also = Both(
                lambda: self.uplink.status().position if self.uplink else 0,
                lambda: self.spool.durable,
                self.sync_wait_s,
                self.sync,
            )
        self.receiving = Receiving(self.spool, self.names, self.ledger(), self.aside, also)
        door = Door(
            self.receiving,
            self.gate,
            self.conversation,
            self.limits,
            lambda: 0,
            standing=self.standing,
            group=lambda _, told: answer(self.members, told),
            content_of=lambda _, message: self.folder / message,
        )
        self._server = DoorServer(door, self.authority.server_context())
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        started.set()
        await serving

    def send_to(self, other: GroupHub) -> None:
        client = HubClient(
            [f"https://127.0.0.1:{other.port}"],
            self.name,
            lambda: self.context(self.name),
            seen=self.standing,
        )
        self.uplink = Uplink(
            self.spool,
            self.names,
            self.folder / "relay",
            client,
            pick=NotFrom(other.name),
            in_order=True,
        )
        if self.both is not None:
            self.uplink.on_moved = self.both.moved
        self.uplink.start()
        teller = HubClient(
            [f"https://127.0.0.1:{other.port}"],
            self.name,
            lambda: self.context(self.name),
            seen=self.standing,
        )
        self.telling = Telling(teller, self.members)
        self.telling.start()

    def stop_sending(self) -> None:
        if self.uplink is not None:
            self.telling.close()
            self.uplink.close()
            self.uplink = None

    def close(self) -> None:
        self.stop_sending()
        super().close()

    def sent(self) -> bool:
        return self.uplink is not None and self.uplink.status().position >= self.spool.durable


@dataclass
class GroupEdge(Edge):
    """An edge that knows the addresses of all hubs."""

    hubs: tuple[world.Hub, ...] = ()

    def open(self) -> None:
        self.names = TagIds.open(self.folder / "tag-ids.tsv")
        self.spool = Spool(self.folder / "spool", self.settings, self.names.path_of)
        self.seen = Highest(self.folder / "relay/generation")
        client = HubClient(
            [f"https://127.0.0.1:{hub.port}" for hub in self.hubs],
            self.name,
            lambda: self.hub.context(self.name),
            seen=self.seen,
        )
        self.uplink = Uplink(self.spool, self.names, self.folder / "relay", client, self.share)


@dataclass
class Group:
    a: GroupHub
    b: GroupHub
    edge: GroupEdge

    def put(self, rows: int = 10, times: int = 1) -> None:
        for _ in range(times):
            self.edge.put(rows)

    def failed_over(self) -> None:
        """A is gone; the edge has something new, and B has what the edge has."""
        self.b.standing.promote()
        self.put()
        until(lambda: self.edge.seen.told() == self.b.standing.told(), "the edge to go over")
        self.edge.wait()


def same_keys(folder: Path, other: GroupHub) -> Path:
    shutil.copytree(other.folder / "hub", folder / "hub")
    (folder / "hub/standing.json").unlink(missing_ok=True)
    return folder


@contextmanager
def group(folder: Path, sync: SyncPolicy | None = None) -> Iterator[Group]:
    """A and its standby B, which send to each other, and an edge of both."""
    with ExitStack() as stack:
        a = GroupHub(folder / "a", name="hub-a", sync=sync)
        stack.callback(_closed, a)
        b = GroupHub(same_keys(folder / "b", a), name="hub-b", role=Role.STANDBY)
        stack.callback(_closed, b)
        edge = GroupEdge(folder / "plant", a, hubs=(a, b))
        stack.callback(edge.close)
        yield Group(a, b, edge)


def _closed(hub: GroupHub) -> None:
    if hub._thread.is_alive():
        hub.close()


def check_all(hub: GroupHub, edge: Edge) -> None:
    """Every sample of the edge is in the hub's spool. (A stretch of which the hub has a part may
    come again as a whole: its history drops the same sample.)"""
    found = {at - START_US for path, at, _ in hub.samples() if path.startswith(edge.name)}
    assert found == set(range(edge.sent))


def check_once(hub: GroupHub, edge: Edge) -> None:
    """Every sample of the edge is in the hub's spool, and once."""
    wanted = list(range(edge.sent))
    found = sorted(at - START_US for path, at, _ in hub.samples() if path.startswith(edge.name))
    assert found == wanted, f"{hub.name} has {len(found)} of {edge.sent}, {len(set(found))} alone"


__all__ = [
    "Group",
    "GroupEdge",
    "GroupHub",
    "check_all",
    "check_once",
    "group",
    "same_keys",
    "until",
]
