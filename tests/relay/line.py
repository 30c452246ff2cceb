"""A line between edge and hub that is as bad as it is told to be: a TCP proxy in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Line:
    """``port`` leads to ``target``. All may be changed while it runs, from any thread."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.up = True
        self.delay_s = 0.0
        self.bytes_a_second = 0.0
        """Of all connections together, each way; 0: as fast as it goes."""
        self.cut_after: int | None = None
        """Each connection is cut after so many bytes towards the hub."""
        self.passed = 0
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[Any]] = set()
        self._free_at = {"there": 0.0, "back": 0.0}
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main(started))
        self._loop.close()

    async def _main(self, started: threading.Event) -> None:
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._ended.wait()
        server.close()
        await self._cut_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                if self.up:
                    await self._join(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_hub, to_hub = await asyncio.open_connection("127.0.0.1", self.target)
        ways = [
            asyncio.create_task(self._pass(reader, to_hub, "there")),
            asyncio.create_task(self._pass(from_hub, writer, "back")),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_hub.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str
    ) -> None:
        count = 0
        size = 16_384
        while data := await reader.read(size):
            count += len(data)
            self.passed += len(data) if way == "there" else 0
            if way == "there" and self.cut_after is not None and count > self.cut_after:
                return
            await self._hold(len(data), way)
            writer.write(data)
            await writer.drain()
            size = 2_048 if 0 < self.bytes_a_second < 1e6 else 65_536

    async def _hold(self, count: int, way: str) -> None:
        """As long as the bytes take on this line, in turn with those of other connections."""
        wait_s = self.delay_s
        if self.bytes_a_second:
            now = self._loop.time()
            self._free_at[way] = max(now, self._free_at[way]) + count / self.bytes_a_second
            wait_s += self._free_at[way] - now
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _cut_all(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break what is open now; ``up`` says whether new connections come through."""
        asyncio.run_coroutine_threadsafe(self._cut_all(), self._loop).result(10)

    def down(self) -> None:
        self.up = False
        self.cut()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)


@contextmanager
def line_to(target: int) -> Iterator[Line]:
    line = Line(target)
    try:
        yield line
    finally:
        line.close()
