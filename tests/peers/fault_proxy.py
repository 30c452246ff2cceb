"""A proxy between a driver and its server that does what no honest server can be asked to do.

It passes on whole frames, so that a fault strikes one answer and nothing else: an answer may be
cut in the middle, replaced, repeated or held back. What goes to the server is never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto

FrameSize = Callable[[bytes], int]
"""The size of the frame that some bytes begin with; 0 as long as that cannot be said."""


class Then(Enum):
    """What becomes of a connection after a spoilt answer."""

    GO_ON = auto()
    CUT = auto()
    SILENCE = auto()
    """It stays open, and nothing more comes through it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is passed on in the place of an answer, and what comes after it."""

    passed_on: bytes
    then: Then = Then.GO_ON


Spoiling = Callable[[bytes], Fate]


def half_then_cut(frame: bytes) -> Fate:
    return Fate(frame[: len(frame) // 2], Then.CUT)


def half_then_silence(frame: bytes) -> Fate:
    return Fate(frame[: len(frame) // 2], Then.SILENCE)


def garbage(frame: bytes) -> Fate:
    return Fate(bytes(octet ^ 0xA5 for octet in frame))


def twice(frame: bytes) -> Fate:
    return Fate(frame * 2)


class FaultProxy:
    """Made by ``fault_proxy``. ``passed`` counts answers on their way, ``spoilt`` those spoilt."""

    def __init__(self, target: int, frame_size: FrameSize) -> None:
        self.port = 0
        self.passed = 0
        self.spoilt = 0
        self.delay_s = 0.0
        self._target = target
        self._frame_size = frame_size
        self._always: Spoiling | None = None
        self._next: Spoiling | None = None
        self._concerned: Callable[[bytes], bool] = bool
        self._connections: set[asyncio.Task[None]] = set()

    def spoil_next(self, spoiling: Spoiling, concerned: Callable[[bytes], bool]) -> None:
        """Spoil the next answer that is ``concerned``, and no other."""
        self._next, self._concerned = spoiling, concerned

    def rewrite(self, rewriting: Spoiling | None) -> None:
        """Send every answer through a function from now on; None ends it."""
        self._always = rewriting

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            # cancelled by end(); asyncio takes a cancelled handler for an accident
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def end(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        if connections:
            await asyncio.wait(connections)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        answers: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        ways = [
            asyncio.create_task(way)
            for way in (
                _pass_on(reader, to_server),
                self._take_answers(from_server, answers),
                self._give_answers(answers, writer),
            )
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_server.transport.abort()

    async def _take_answers(
        self, reader: asyncio.StreamReader, answers: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        data = b""
        while received := await reader.read(65_536):
            data += received
            while (size := self._frame_size(data)) and len(data) >= size:
                due_s = asyncio.get_running_loop().time() + self.delay_s
                answers.put_nowait((due_s, data[:size]))
                data = data[size:]

    async def _give_answers(
        self, answers: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due_s, frame = await answers.get()
            await asyncio.sleep(due_s - asyncio.get_running_loop().time())
            fate = self._fate(frame)
            writer.write(fate.passed_on)
            await writer.drain()
            self.passed += 1
            if fate.then is Then.CUT:
                return
            if fate.then is Then.SILENCE:
                await asyncio.Event().wait()

    def _fate(self, frame: bytes) -> Fate:
        if self._next is not None and self._concerned(frame):
            spoiling, self._next = self._next, None
            self.spoilt += 1
            return spoiling(frame)
        return self._always(frame) if self._always else Fate(frame)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def fault_proxy(target: int, frame_size: FrameSize) -> AsyncIterator[FaultProxy]:
    """A proxy on 127.0.0.1 to the port ``target``; ended with all its connections."""
    proxy = FaultProxy(target, frame_size)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
