"""What the worlds of real servers share: a process that can die, and a proxy before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar, Protocol

from tests.connect.conformance.world import Fault
from tests.peers.fault_proxy import (
    FaultProxy,
    FrameSize,
    Spoiling,
    fault_proxy,
    garbage,
    half_then_cut,
    half_then_silence,
    twice,
)

SPOILINGS: Mapping[Fault, Spoiling] = {
    Fault.GARBAGE: garbage,
    Fault.HALF_AND_CUT: half_then_cut,
    Fault.HALF_AND_SILENCE: half_then_silence,
    Fault.TWICE: twice,
}


class Server(Protocol):
    port: int

    @property
    def alive(self) -> bool: ...

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


class RealWorld:
    """The faults that are the same for every server; a world adds its driver and its tags.

    Without a ``proxy`` the driver speaks to the server itself.
    """

    spoilings: ClassVar[Mapping[Fault, Spoiling]] = SPOILINGS

    def __init__(self, server: Server, proxy: FaultProxy | None) -> None:
        self.server = server
        self._proxy = proxy
        self._frozen = False
        self.port = proxy.port if proxy else server.port

    async def disconnect(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def connect(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def hang(self, on: bool) -> None:
        self._frozen = on
        (self.server.freeze if on else self.server.thaw)()

    async def mended(self) -> None:
        """Leave the server as it was found."""
        if self._frozen:
            await self.hang(False)
        if not self.server.alive:
            await self.connect()

    @property
    def proxy(self) -> FaultProxy:
        assert self._proxy is not None, "a check that meddles says so (between=True)"
        return self._proxy

    def delay(self, seconds: float) -> None:
        self.proxy.delay_s = seconds

    def spoil(self, fault: Fault) -> None:
        self.proxy.spoil_next(self.spoilings[fault], self.holds_values)

    def spoilt(self) -> int:
        return self.proxy.spoilt

    def passed(self) -> int:
        return self.proxy.passed

    def holds_values(self, frame: bytes) -> bool:
        """Whether an answer is one that ``spoil`` means."""
        return True


@asynccontextmanager
async def somebody_between(
    between: bool, server: Server, frame_size: FrameSize
) -> AsyncIterator[FaultProxy | None]:
    if not between:
        yield None
        return
    async with fault_proxy(server.port, frame_size) as proxy:
        yield proxy
