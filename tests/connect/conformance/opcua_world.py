"""OPC UA and node-opcua: everything read in blocks, or everything subscribed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from lianji.connect.drivers.opcua.config import OpcUaConfig
from lianji.connect.drivers.opcua.driver import OpcUaDriver
from lianji.dictionary.tag import Tag
from tests.connect.conformance.real import SPOILINGS, RealWorld, somebody_between
from tests.connect.conformance.world import Fault
from tests.peers.fault_proxy import Fate, FaultProxy, Spoiling
from tests.peers.opcua import OpcUaServer

_REQUEST_ID = slice(20, 24)
"""After message header, channel, token and sequence number (OPC 10000-6, section 6.7.2)."""
_READ_RESPONSE = (634).to_bytes(2, "little")
_PUBLISH_RESPONSE = (829).to_bytes(2, "little")
_SERVICE = slice(26, 28)
"""The number of a message's type: a node id of four bytes, two of which go before it."""
INTERVAL_MS = 50


def frame_size(data: bytes) -> int:
    """OPC 10000-6, section 7.1.2.2."""
    return int.from_bytes(data[4:8], "little") if len(data) >= 8 else 0


def another_id(frame: bytes) -> Fate:
    request = int.from_bytes(frame[_REQUEST_ID], "little") + 1000
    return Fate(frame[:20] + request.to_bytes(4, "little") + frame[24:])


class OpcUaWorld(RealWorld):
    spoilings: ClassVar[Mapping[Fault, Spoiling]] = {**SPOILINGS, Fault.ANOTHER_ID: another_id}

    def __init__(self, server: OpcUaServer, proxy: FaultProxy | None, polled: bool) -> None:
        super().__init__(server, proxy)
        self.server: OpcUaServer = server
        self._polled = polled
        numbers = {"Double": 20.25, "Ints[2]": 30.0, "UInt32": 4e9, "V3": 3.0, "V4": 4.0}
        self.tags = [self._tag(f"ns=1;s={name}", name) for name in numbers]
        self.expected = {f"plant/{name}": number for name, number in numbers.items()}
        self.wrong_tag = self._tag("ns=x;Double", "wrong")
        self.refusable = self.tags[3]
        self._deleted = False

    def _tag(self, address: str, name: str) -> Tag:
        interval_ms = INTERVAL_MS if self._polled else 0
        return Tag(path=f"plant/{name}", address=address, interval_ms=interval_ms)

    def driver(self) -> OpcUaDriver:
        return OpcUaDriver(
            OpcUaConfig(
                url=f"opc.tcp://127.0.0.1:{self.port}",
                timeout_ms=800,
                publishing_ms=INTERVAL_MS,
                # reads have a time-out of their own; a spoilt answer is to be theirs
                watchdog_s=30 if self._polled else 0.5,
                max_nodes_per_read=3,
            )
        )

    def holds_values(self, frame: bytes) -> bool:
        wanted = _READ_RESPONSE if self._polled else _PUBLISH_RESPONSE
        return frame[:3] == b"MSG" and frame[_SERVICE] == wanted

    async def refuse(self) -> None:
        self._deleted = True
        await asyncio.to_thread(self.server.tell, f"delete {self.refusable.address}")

    async def mended(self) -> None:
        await super().mended()
        if self._deleted:
            restored = f"add {self.refusable.address} {self.expected[self.refusable.path]}"
            await asyncio.to_thread(self.server.tell, restored)


@asynccontextmanager
async def opcua_world(
    server: OpcUaServer, between: bool, polled: bool
) -> AsyncIterator[OpcUaWorld]:
    async with somebody_between(between, server, frame_size) as proxy:
        world = OpcUaWorld(server, proxy, polled)
        try:
            yield world
        finally:
            await world.mended()
