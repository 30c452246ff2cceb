"""A Modbus/TCP client with several requests in flight on one connection.

Frames are those of MODBUS Messaging on TCP/IP V1.0b, section 3.1. An answer is matched to its
question by transaction id and must fit it in every byte that is known beforehand; the first one
that does not means that the stream can no longer be trusted, and the connection is dropped. An
answer that comes after its time-out is thrown away. One timer watches all requests: they have the
same time-out, so they run out in the order in which they were sent.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from lianji.base.errors import DeviceError
from lianji.connect.drivers.modbus import faults
from lianji.connect.drivers.modbus.faults import Question

_REQUEST = struct.Struct(">HHHBBHH")
_IDENTIFY = struct.Struct(">HHHBBBBB")
_EXPECTED = struct.Struct(">HHBBB")
_HEADER = struct.Struct(">HH")
_HEADER_SIZE = 6
_DATA_AT = 9
_LENGTH_MIN, _LENGTH_MAX = 3, 254
_EXPIRED_MAX = 1024
_IDENTIFICATION = 43

_Waiting = tuple["asyncio.Future[bytes]", bytes, int, float, Question]
"""Future, bytes 2-9 of its answer, size of its frame, deadline, question. A tuple for speed."""


class TcpClient(asyncio.Protocol):
    """One connection. Made by ``connect``; once it is lost it stays lost."""

    def __init__(self, where: str, timeout_s: float) -> None:
        self.where = where
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._transaction = 0
        self._waiting: dict[int, _Waiting] = {}
        self._expired: dict[int, None] = {}
        self._rest = b""
        self._outgoing: list[bytes] = []
        self._sends_soon = False
        self._sweep: asyncio.TimerHandle | None = None
        self._why_closed: Callable[[], DeviceError] = self._never_open

    @classmethod
    async def connect(cls, host: str, port: int, timeout_s: float) -> TcpClient:
        """Raises LinkDown, with the reason, if there is no connection within ``timeout_s``."""
        where = f"{host}:{port}"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, client = await loop.create_connection(lambda: cls(where, timeout_s), host, port)
        except ConnectionRefusedError as error:
            en, zh = "nothing listens on this port", "该端口没有服务在监听"
            raise faults.link_down(where, "modbus-connect-refused", en, zh) from error
        except TimeoutError as error:
            en, zh = f"no answer within {timeout_s:g} s", f"{timeout_s:g} 秒内没有响应"
            raise faults.link_down(where, "modbus-connect-timeout", en, zh) from error
        except (socket.gaierror, UnicodeError) as error:
            en, zh = "the name is unknown", "主机名无法解析"
            raise faults.link_down(where, "modbus-host-unknown", en, zh) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise faults.link_down(where, "modbus-connect-failed", reason, reason) from error
        return client

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def read(self, unit: int, function: int, start: int, count: int) -> asyncio.Future[bytes]:
        """The data bytes of ``count`` registers or bits from ``start``; await the result.

        Raises LinkDown, DeviceTimeout, Desync or Refused.
        """
        octets = count * 2 if function > 2 else (count + 7) >> 3
        transaction = self._next_transaction()
        return self._send(
            transaction,
            _REQUEST.pack(transaction, 0, 6, unit, function, start, count),
            _EXPECTED.pack(0, octets + 3, unit, function, octets),
            _DATA_AT + octets,
            Question(unit, function, start, count),
        )

    def identify(self, unit: int, first: int = 0) -> asyncio.Future[bytes]:
        """Function 43/14, basic and regular objects from ``first`` on: the answer's own bytes."""
        transaction = self._next_transaction()
        question = Question(unit, _IDENTIFICATION, first, 1)
        frame = _IDENTIFY.pack(transaction, 0, 5, unit, _IDENTIFICATION, 14, 2, first)
        expected = bytes([0, 0, 0, 0, unit, _IDENTIFICATION])
        return self._send(transaction, frame, expected, 0, question)

    def close(self) -> None:
        """Drop the connection; whoever waits for an answer gets LinkDown."""
        en, zh = "we closed it", "本端已关闭连接"
        self._drop(lambda: faults.link_down(self.where, "modbus-closed", en, zh))

    def _next_transaction(self) -> int:
        transaction = self._transaction + 1 & 0xFFFF
        while transaction in self._waiting or transaction in self._expired:
            transaction = transaction + 1 & 0xFFFF
        self._transaction = transaction
        return transaction

    def _send(
        self, transaction: int, frame: bytes, expected: bytes, size: int, question: Question
    ) -> asyncio.Future[bytes]:
        if self._transport is None:
            raise self._why_closed()
        future: asyncio.Future[bytes] = self._loop.create_future()
        deadline = self._loop.time() + self._timeout_s
        self._waiting[transaction] = (future, expected, size, deadline, question)
        self._outgoing.append(frame)
        self._send_soon()
        if self._sweep is None:
            self._sweep = self._loop.call_at(deadline, self._expire)
        return future

    def _send_soon(self) -> None:
        """Requests made in one turn of the loop go out in one write: a write costs as much as
        all else that a request costs (measured)."""
        if not self._sends_soon:
            self._sends_soon = True
            self._loop.call_soon(self._send_all)

    def _send_all(self) -> None:
        self._sends_soon = False
        frames, self._outgoing = self._outgoing, []
        if frames and self._transport is not None:
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's derives from nothing

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        while size - at >= _HEADER_SIZE:
            transaction = data[at] << 8 | data[at + 1]
            waiting = self._waiting.get(transaction)
            if waiting is not None and data[at + 2 : at + _DATA_AT] == waiting[1]:
                end = at + waiting[2]
                if end > size:
                    break
                del self._waiting[transaction]
                if not waiting[0].done():
                    waiting[0].set_result(data[at + _DATA_AT : end])
                at = end
            else:
                used = self._take_unexpected(transaction, waiting, data[at:])
                if not used:
                    break
                at += used
        self._rest = data[at:]
        self._send_soon()  # behind those who now wake up and ask again

    def connection_lost(self, error: Exception | None) -> None:
        en, zh = "the device closed it", "设备关闭了连接"
        if self._rest:
            en, zh = "the device closed it in the middle of an answer", "设备在应答中途关闭了连接"
        self._drop(lambda: faults.link_down(self.where, "modbus-link-lost", en, zh))

    # what is not the plain answer to a question

    def _take_unexpected(self, transaction: int, waiting: _Waiting | None, frame: bytes) -> int:
        """The bytes used: 0 if the frame is not whole yet or the connection was dropped."""
        protocol, length = _HEADER.unpack_from(frame, 2)
        if protocol != 0 or not _LENGTH_MIN <= length <= _LENGTH_MAX:
            return self._desync("this is not a Modbus frame", "不是 Modbus 报文")
        used = _HEADER_SIZE + int(length)
        if len(frame) < used:
            return 0
        if waiting is None:
            if transaction in self._expired:
                del self._expired[transaction]
                return used
            return self._desync("nobody asked for this transaction", "事务号不对应任何请求")
        future, _, size, _, question = waiting
        if frame[6] != question.unit:
            return self._desync(
                f"unit {frame[6]} answered instead of {question.unit}",
                f"应答来自站号 {frame[6]}，而不是 {question.unit}",
            )
        if frame[7] == question.function | 0x80 and length == _LENGTH_MIN:
            outcome: bytes | DeviceError = faults.refused(self.where, question, frame[8])
        elif frame[7] != question.function:
            return self._desync(
                f"function {frame[7]} instead of {question.function}",
                f"功能码为 {frame[7]}，应为 {question.function}",
            )
        elif size:
            return self._desync("wrong number of bytes", "字节数不符")
        else:
            outcome = frame[8:used]
        del self._waiting[transaction]
        _settle(future, outcome)
        return used

    def _desync(self, en: str, zh: str) -> int:
        self._drop(lambda: faults.desync(self.where, en, zh))
        return 0

    def _never_open(self) -> DeviceError:
        en, zh = "it is not open", "尚未打开"
        return faults.link_down(self.where, "modbus-closed", en, zh)

    def _drop(self, error: Callable[[], DeviceError]) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            self._why_closed = error  # for whoever asks later: nobody may be waiting now
            transport.abort()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        waiting, self._waiting = self._waiting, {}
        for entry in waiting.values():
            _settle(entry[0], error())

    def _expire(self) -> None:
        now = self._loop.time()
        self._sweep = None
        for transaction, (future, _, _, deadline, question) in list(self._waiting.items()):
            if deadline > now:
                self._sweep = self._loop.call_at(deadline, self._expire)
                break
            del self._waiting[transaction]
            self._expired[transaction] = None
            _settle(future, faults.timed_out(self.where, question, self._timeout_s))
        while len(self._expired) > _EXPIRED_MAX:
            del self._expired[next(iter(self._expired))]


def _settle(future: asyncio.Future[bytes], outcome: bytes | DeviceError) -> None:
    if future.done():  # the one who asked has been cancelled meanwhile
        return
    if isinstance(outcome, bytes):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
