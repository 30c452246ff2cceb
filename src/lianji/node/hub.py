"""A hub's door, wired: the port on which edges arrive, in the process of the hub's own plant."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError, Text
from lianji.node.addresses import Addresses
from lianji.node.enrolment import authority_of, edges_with
from lianji.node.limiting import Limiting
from lianji.node.pairing import Group, standing_of, told_of_group
from lianji.node.plants import Plants
from lianji.node.reconciling.reconciler import Reconciler
from lianji.node.several import several_of
from lianji.node.telling import messages_with, tell_news
from lianji.relay import group as groups
from lianji.relay.aside import Aside
from lianji.relay.both import Both
from lianji.relay.door import Door
from lianji.relay.exchange import Conversation
from lianji.relay.ledger import Ledger
from lianji.relay.receiving import Receiving, Sender
from lianji.relay.server import DoorServer
from lianji.relay.settings import HubSettings, Mode
from lianji.relay.trust.door import routes
from lianji.relay.trust.edges import Edges
from lianji.relay.trust.peer import peer_of
from lianji.relay.trust.refusals import Untrusted

if TYPE_CHECKING:
    from lianji.node.plant import Plant

REFRESH_S = 86_400.0
GROUP_S = 1.0


class HubDoor:
    """The relay's side of a hub. Made in the loop that serves it."""

    def __init__(self, plant: Plant, settings: HubSettings) -> None:
        """Raises NotFound where there are no keys, StorageError."""
        self._folder = folder = plant.folder
        self._group_kept, self._group_read_s = Group.of(folder), monotonic_s()
        self.authority = authority_of(folder)
        self.edges: Edges = edges_with(folder, plant.state)
        self.aside = Aside(folder.hub / "aside")
        self.messages = messages_with(folder, plant.state)
        addresses = Addresses(folder, settings.addresses)
        self.conversation = Conversation(self.messages, addresses)
        ledger = Ledger()
        self._several = several_of(plant, settings, ledger)
        self._handing_over: asyncio.Task[None] | None = None
        if self._several is None:
            ledger = Ledger(plant.history.relayed())
        self.standing = standing_of(folder, self.authority)
        self._limiting = Limiting(plant.state, settings)
        self.use = self._limiting.limits.use
        """What an edge may bring, and has brought."""
        self.both = _both(plant)
        self.receiving = Receiving(plant.spool, plant.names, ledger, self.aside, self.both)
        enrolment = Starlette(routes=routes(self.authority, self.edges, addresses))
        self.door = Door(
            self.receiving,
            self,
            self.conversation,
            self._limiting.limits,
            lambda: 1,
            enrolment,
            content_of=self.messages.content,
            standing=self.standing,
            group=self._group,
        )
        self.door.ownership = self._several.ownership if self._several else None
        self.reconciler = Reconciler(plant, self.edges, self.conversation)
        self.door.repairs = self.reconciler.offers.get
        self.plants = Plants(plant, self, settings.certificate_days)
        self._context = self.authority.server_context()
        self._server = DoorServer(self.door, self._context)

    def sender(self, certificate: bytes | None) -> Sender:
        """Who speaks. Raises Untrusted."""
        peer = peer_of(certificate, now_us(), self.edges)
        group = self._group_now()
        if group is not None and peer.edge == group.me:
            raise _itself(group.me)
        return Sender(peer.edge, peer.sites, group is not None and peer.edge in group.hubs)

    def _group_now(self) -> Group | None:
        """As of a second ago at most: each request asks."""
        now_s = monotonic_s()
        if now_s - self._group_read_s >= GROUP_S:
            self._group_kept, self._group_read_s = Group.of(self._folder), now_s
        return self._group_kept

    def _group(self, edge: str, told: dict[str, Any]) -> dict[str, Any]:
        """What this hub answers to one of its group. In a thread."""
        heard = groups.answer(self.edges, told)
        return {**heard, **told_of_group(self._folder, edge, bool(told.get("keys")))}

    def problems(self) -> list[LianjiError]:
        return [*self.standing.problems(), *(self.both.problems() if self.both else ())]

    async def serve(self, listener: socket.socket) -> None:
        refreshing = asyncio.create_task(self._refresh(), name="hub-certificate")
        telling = asyncio.create_task(tell_news(self.messages, self.conversation), name="messages")
        reconciling = asyncio.create_task(self.reconciler.serve(), name="hub-reconcile")
        keeping = asyncio.create_task(self.plants.keep_on(), name="hub-plants")
        limiting = asyncio.create_task(self._limiting.keep_on(), name="hub-limits")
        leases = self._several and asyncio.create_task(self._several.ownership.keep())
        try:
            await self._server.serve(sockets=[listener])
        finally:
            refreshing.cancel()
            telling.cancel()
            limiting.cancel()
            await asyncio.gather(limiting, return_exceptions=True)
            await asyncio.to_thread(self._limiting.close)
            reconciling.cancel()
            await asyncio.gather(reconciling, return_exceptions=True)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            if self._several and leases:
                leases.cancel()
                await asyncio.gather(leases, return_exceptions=True)
                await (self._handing_over or self._several.end())

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            await asyncio.to_thread(self.authority.refresh, self._context)

    def stop(self) -> None:
        """From the loop's own thread."""
        if self._several:
            self._handing_over = asyncio.create_task(self._several.end(), name="hub-hand-over")
        self.conversation.end()
        self._server.should_exit = True


def _itself(name: str) -> Untrusted:
    return Untrusted(
        "hub-itself",
        Text(f"{name} sends to itself.", f"{name} 正在向自身发送数据。"),
        Text(
            "Write the other hub's address into [relay] hubs.",
            "请在 [relay] hubs 中填写对方中心的地址。",
        ),
    )


def _both(plant: Plant) -> Both | None:
    """What waits for the second hub, if this one is to wait for it."""
    settings = plant.configuration.settings.relay
    if settings is None or settings.mode is not Mode.SYNC or Group.of(plant.folder) is None:
        return None

    def position() -> int:
        return plant.relaying.uplink.position if plant.relaying is not None else 0

    both = Both(position, lambda: plant.spool.durable, settings.sync_wait_s, settings.sync_policy)
    if plant.relaying is not None:
        plant.relaying.uplink.on_moved = both.moved
    return both
