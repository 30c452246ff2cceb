"""A Modbus/TCP server that does whatever a test wants, byte by byte."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from lianji.connect.drivers.modbus.client import TcpClient


@dataclass(frozen=True)
class Request:
    transaction: int
    unit: int
    function: int
    start: int
    count: int

    def answer(self, **changes: int) -> bytes:
        """A right answer of zeros (the start in its first register), or one with wrong fields."""
        unit = changes.get("unit", self.unit)
        function = changes.get("function", self.function)
        size = changes.get("size", self.count * 2)
        data = struct.pack(">H", self.start) + bytes(size - 2)
        body = bytes([unit, function, changes.get("byte_count", size)]) + data
        length = changes.get("length", len(body))
        transaction = changes.get("transaction", self.transaction)
        return struct.pack(">HHH", transaction, changes.get("protocol", 0), length) + body

    def exception(self, code: int) -> bytes:
        return struct.pack(">HHHBBB", self.transaction, 0, 3, self.unit, self.function | 0x80, code)


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def client_of(behaviour: Behaviour, timeout_s: float = 5.0) -> AsyncIterator[TcpClient]:
    """A client connected to a server that does ``behaviour`` for every request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                fields = struct.unpack(">HHHBBHH", await reader.readexactly(12))
                await behaviour(Request(fields[0], *fields[3:]), writer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = await TcpClient.connect("127.0.0.1", server.sockets[0].getsockname()[1], timeout_s)
    try:
        yield client
    finally:
        client.close()
        server.close()
