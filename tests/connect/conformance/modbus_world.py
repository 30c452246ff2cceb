"""Modbus and two servers of others: libmodbus in C, modbus-serial in JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from lianji.connect.drivers.modbus import ModbusConfig, ModbusDriver
from lianji.dictionary.tag import Tag
from tests.connect.conformance.real import SPOILINGS, RealWorld, somebody_between
from tests.connect.conformance.world import Fault
from tests.peers import PEERS, free_port, need, process
from tests.peers.fault_proxy import Fate, FaultProxy, Spoiling
from tests.peers.modbus import build_server
from tests.peers.mortal import Mortal


def frame_size(data: bytes) -> int:
    """MODBUS Messaging on TCP/IP V1.0b, section 3.1.3."""
    return 6 + int.from_bytes(data[4:6], "big") if len(data) >= 6 else 0


def another_id(frame: bytes) -> Fate:
    transaction = int.from_bytes(frame[:2], "big") + 1000 & 0xFFFF
    return Fate(transaction.to_bytes(2, "big") + frame[2:])


def tag(address: str, type_name: str = "uint16") -> Tag:
    return Tag(path=f"plant/{address.translate({33: 45, 58: 45})}", address=address, type=type_name)


class ModbusServer(Mortal):
    """``forbidden``: the libmodbus server refuses this holding register from its next life on."""

    def __init__(self, software: str) -> None:
        self.port = free_port()
        self.software = software
        self.forbidden: int | None = None
        if software == "modbus-serial":
            need("modbus-serial")
        super().__init__(lambda: process(self._arguments(), self.port))

    def _arguments(self) -> list[str]:
        if self.software == "modbus-serial":
            return ["node", str(PEERS / "modbus_serial_server.js"), str(self.port)]
        forbid = [] if self.forbidden is None else ["forbid", *2 * [str(self.forbidden)]]
        return [str(build_server()), str(self.port), *forbid]


class ModbusWorld(RealWorld):
    spoilings: ClassVar[Mapping[Fault, Spoiling]] = {**SPOILINGS, Fault.ANOTHER_ID: another_id}

    def __init__(self, server: ModbusServer, proxy: FaultProxy | None, in_flight: int) -> None:
        super().__init__(server, proxy)
        self.server: ModbusServer = server
        self._in_flight = in_flight
        inputs = 1000 if server.software == "modbus-serial" else 65_535
        sign = 1 if server.software == "modbus-serial" else -1
        self.tags = [
            *(tag(address) for address in ("hr:10", "hr:11", "hr:12", "hr:300", "ir:7", "2!hr:20")),
            tag("co:3", "bool"),
        ]
        numbers = (10, 11, 12, 300, inputs + sign * 7, 20, 1)
        self.expected = {tag.path: float(n) for tag, n in zip(self.tags, numbers, strict=True)}
        self.wrong_tag = tag("hr:seventeen")
        self.refusable = self.tags[1]

    def driver(self) -> ModbusDriver:
        return ModbusDriver(
            ModbusConfig(
                host="127.0.0.1",
                port=self.port,
                in_flight=self._in_flight,
                interval_ms=20,
                timeout_ms=400,
            )
        )

    async def refuse(self) -> None:
        if self.server.software == "modbus-serial":
            # it cannot be told what to refuse: it refuses one register, 999, at all times
            self.refusable = tag("hr:999")
            self.tags.append(self.refusable)
            return
        self.server.forbidden = 11
        await self.disconnect()
        await self.connect()

    async def mended(self) -> None:
        if self.server.forbidden is not None:
            self.server.forbidden = None
            await self.disconnect()
        await super().mended()


@asynccontextmanager
async def modbus_world(
    server: ModbusServer, between: bool, in_flight: int
) -> AsyncIterator[ModbusWorld]:
    async with somebody_between(between, server, frame_size) as proxy:
        world = ModbusWorld(server, proxy, in_flight)
        try:
            yield world
        finally:
            await world.mended()
