"""The door's side of several processes: before an edge is answered, it must be looked after here.

An edge that comes here anew is taken over if its lease is free: then the ledger is read from the
table, and the edge must ask for it before it sends, for it may have been told more by another.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from lianji.base.clock import monotonic_s
from lianji.base.errors import Busy, Conflict, LianjiError, StorageError, Text
from lianji.relay.lanes import Lane, Mark
from lianji.relay.ledger import Ledger

UPKEEP = "*upkeep"
"""Not an edge's name: who holds it merges the table's files."""
TRY_AGAIN_S = 5.0
Rows = Mapping[tuple[str, str, int], tuple[int, int]]
_log = structlog.get_logger(__name__)


class Owners(Protocol):
    """Leases; see ``owners``. All calls block shortly and raise StorageError."""

    def take(self, edge: str) -> int: ...

    def renew(self) -> dict[str, int]: ...

    def release(self, edge: str | None = None) -> None: ...

    def was_mine(self, edge: str) -> bool: ...

    def give_back(self, edge: str) -> None: ...


class Elsewhere(LianjiError):
    """Another process looks after this edge. (RFC 9110, section 15.5.20: 421.)"""

    http_status = 421

    def __init__(self, edge: str, address: str) -> None:
        super().__init__(
            "relay-elsewhere",
            Text(
                f"Another process of this hub looks after {edge}: {address or 'no address told'}.",
                f"{edge} 由该中心端的另一进程负责：{address or '未提供地址'}。",
            ),
            Text("The edge goes there by itself.", "边缘端会自动转到该进程。"),
        )
        self.address = address


class AgreeFirst(Conflict):
    """The edge must ask what is here before it sends."""

    def __init__(self, edge: str) -> None:
        super().__init__(
            "relay-agree-first",
            Text(
                f"This process has just taken {edge} over from another.",
                f"本进程刚从另一进程接管了 {edge}。",
            ),
            Text(
                "The edge asks what the hub has, and goes on from there.",
                "边缘端会查询中心端的进度并继续发送。",
            ),
        )


class TableAway(Busy):
    """Only the table could tell how far an edge has come, since another process had it last."""

    def __init__(self, edge: str) -> None:
        super().__init__(
            "relay-table-away",
            Text(
                f"The hub's history is away, and it alone could tell how far {edge} has come: this "
                "process was not the last to look after it.",
                f"中心端的历史数据暂不可用，且此前并非由本进程负责 {edge}，无法确定其进度。",
            ),
            Text(
                "Nothing is lost: the edge waits and sends again. See to the store of the history, "
                "or start that process again.",
                "数据没有丢失，边缘端稍后会重新发送。请检查历史数据的存储，或重新启动该进程。",
            ),
        )
        self.retry_after_s = TRY_AGAIN_S


class Ownership:
    """Lives in one event loop."""

    def __init__(
        self,
        owners: Owners,
        ledger: Ledger,
        rows: Callable[[], Rows],
        lease_s: float,
        known: Callable[[], Rows] | None = None,
    ) -> None:
        """``rows`` reads the whole ledger afresh; it blocks, and raises StorageError or OSError.
        ``known`` tells it as it was last known here, for edges that nobody else has had since."""
        self._owners = owners
        self._ledger = ledger
        self._rows = rows
        self._known = known
        self._lease_s = lease_s
        self._mine: dict[str, int] = {}
        self._agreed: set[str] = set()
        self._taking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._renewing = asyncio.Lock()
        self.renewed_s = self.tried_s = monotonic_s()
        """When the database last said yes, and when it was last asked."""
        self.ended = False
        """From now on nobody is answered here."""
        self.keeps_up = False
        """Whether this process merges the table's files."""

    @property
    def mine(self) -> dict[str, int]:
        """The edges that are looked after here, and how often each has changed hands."""
        return dict(self._mine)

    async def answer_for(self, edge: str, *, agreeing: bool = False, sends: bool = False) -> None:
        """Make sure that this process may answer an edge. Raises Elsewhere, StorageError; and
        AgreeFirst where it sends and has not asked for the ledger."""
        if self.ended:
            raise Elsewhere(edge, "")
        if self._is_over():
            await self._renew()
        if edge not in self._mine:
            async with self._taking[edge]:
                if edge not in self._mine:
                    await self._take(edge)
        if agreeing:
            self._agreed.add(edge)
        elif sends and edge not in self._agreed:
            raise AgreeFirst(edge)

    def still(self, edge: str) -> None:
        """Before a yes. Raises Elsewhere if another has taken the edge over meanwhile."""
        if edge not in self._mine:
            raise Elsewhere(edge, "")

    async def _take(self, edge: str) -> None:
        fence = await asyncio.to_thread(self._owners.take, edge)
        try:
            rows = await asyncio.to_thread(self._rows)
        except (StorageError, OSError) as error:
            if self._known is None or not self._owners.was_mine(edge):
                await asyncio.to_thread(self._owners.give_back, edge)
                raise TableAway(edge) from error
            rows = await asyncio.to_thread(self._known)
        self._ledger.forget(edge)
        for (whose, epoch, start), (sequence, check) in rows.items():
            if whose == edge:
                self._ledger.arrived(edge, Lane(epoch, start), Mark(sequence, check))
        self._agreed.discard(edge)
        self._mine[edge] = fence
        _log.info("edge-taken-over", edge=edge, fence=fence)

    # -- leases --------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Renew the leases until cancelled."""
        while True:
            await self._renew(anyway=True)
            await asyncio.sleep(self._lease_s / 3)

    async def release(self) -> None:
        """Let others take over at once. Raises StorageError."""
        self.ended = True
        self._mine.clear()
        await asyncio.to_thread(self._owners.release)

    def _is_over(self) -> bool:
        """This process slept, or was cut off: others may have taken over."""
        return monotonic_s() - self.tried_s > self._lease_s

    async def _renew(self, anyway: bool = False) -> None:
        """A database that is away changes nothing: nobody can take over there."""
        async with self._renewing:
            if not anyway and not self._is_over():
                return
            begun_s, before = monotonic_s(), self.mine
            try:
                held = await asyncio.to_thread(self._owners.renew)
                self.keeps_up = await asyncio.to_thread(self._take_upkeep)
            except StorageError as error:
                _log.warning("leases-not-renewed", error=str(error))
                self.tried_s = monotonic_s()
                return
            self.renewed_s = self.tried_s = begun_s
        for edge, fence in before.items():
            if held.get(edge) != fence and self._mine.pop(edge, None) is not None:
                _log.warning("edge-lost", edge=edge)

    def _take_upkeep(self) -> bool:
        try:
            self._owners.take(UPKEEP)
        except Elsewhere:
            return False
        return True
