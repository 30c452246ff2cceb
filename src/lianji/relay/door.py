"""The hub's port: mutual TLS, the few routes of the relay, and limits before anything is read.

A plain ASGI application: the way of data passes no framework. Whoever is not known gets no further
than ``/relay/v1/join``.

    PUT  /relay/v1/{edge}/{lane}/{sequence}    records of a lane
    GET  /relay/v1/{edge}/{epoch}              the ledger of that epoch
    POST /relay/v1/{edge}/exchange             a report, and what the hub has to say
    GET  /relay/v1/{edge}/content/{id}?from=N  what a message to it is about, from byte N on
    GET  /relay/v1/{edge}/repair/{id}          samples that the edge has lost: an Arrow stream
    GET /relay/v1/ca, POST /relay/v1/join, /relay/v1/renew: see trust.door
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from lianji.base.errors import Busy, InputError, LianjiError, NotFound, Text
from lianji.relay.lanes import Lane, Mark
from lianji.relay.limits import Limits
from lianji.relay.messages.serving import ContentOf, send_file, start_of
from lianji.relay.naming import TagsUnknown
from lianji.relay.ownership import Elsewhere, Ownership
from lianji.relay.receiving import Receiving, RelayParted, Sender, Yes
from lianji.relay.wire import (
    BODY_BYTES_MAX,
    GENERATION,
    LENGTH,
    LENGTH_MAX,
    PREVIOUS,
    unpack_body,
    wrong_body,
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[bytes, bytes]

AT_ONCE_BYTES = 256 * 1024 * 1024
"""Unpacked bodies at work at one time never take more than this together."""
EXCHANGE_BYTES_MAX = 1024 * 1024
EXCHANGE_WAIT_S_MAX = 30.0
ENROLMENT = ("/relay/v1/ca", "/relay/v1/join", "/relay/v1/renew")
_PUT = re.compile(r"/relay/v1/([^/]{1,64})/([0-9a-f.]{34,54})/([0-9]{1,19})")
_GET = re.compile(r"/relay/v1/([^/]{1,64})/([0-9a-f]{32})")
_CONTENT = re.compile(r"/relay/v1/([^/]{1,64})/content/([0-9a-f]{32})")
_EXCHANGE = re.compile(r"/relay/v1/([^/]{1,64})/exchange")
_REPAIR = re.compile(r"/relay/v1/([^/]{1,64})/repair/([0-9]{1,18})")
ARROW = b"application/vnd.apache.arrow.stream"


class Gate(Protocol):
    """Who speaks."""

    def sender(self, certificate: bytes | None) -> Sender:
        """By the connection's certificate (DER). Raises LianjiError: 401 or 403."""


class Exchange(Protocol):
    """The other way: what the hub says to an edge."""

    async def __call__(self, edge: str, report: dict[str, Any], wait_s: float) -> dict[str, Any]:
        """Take a report, wait for something to say at most so long, and say it."""


class Door:
    """The ASGI application of one hub."""

    def __init__(
        self,
        receiving: Receiving,
        gate: Gate,
        exchange: Exchange,
        limits: Limits,
        generation: Callable[[], int],
        others: App | None = None,
        content_of: ContentOf | None = None,
    ) -> None:
        self._receiving = receiving
        self._gate = gate
        self._exchange = exchange
        self._limits = limits
        self._generation = generation
        self._others = others
        self._content_of = content_of
        self._room = Room(AT_ONCE_BYTES)
        self.repairs: Callable[[str, int], bytes] | None = None
        """What there is for an edge under a number. Raises NotFound."""
        self.ownership: Ownership | None = None
        """Where several processes share the work: which edges are looked after here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        path, method = scope["path"], scope["method"]
        if path in ENROLMENT and self._others is not None:
            await self._others(scope, receive, send)
            return
        try:
            if method == "GET" and self._content_of and (found := _CONTENT.fullmatch(path)):
                await self._hand_out(found[1], found[2], self._content_of, scope, send)
                return
            if method == "GET" and (found := _REPAIR.fullmatch(path)) and self.repairs:
                sender = self._known(scope, found[1])
                await self._here(sender)
                content = self.repairs(sender.edge, int(found[2]))
                await self._send_bytes(send, 200, content, ARROW)
                return
            answer = await self._answer(method, path, scope, receive)
            await self._send(send, 200, answer)
        except LianjiError as error:
            await self._refuse(send, error)

    async def _answer(
        self, method: str, path: str, scope: Scope, receive: Receive
    ) -> dict[str, Any]:
        sender = self._sender(scope)
        headers: Headers = dict(scope["headers"])
        if method == "PUT" and (found := _PUT.fullmatch(path)):
            self._own(sender, found[1])
            await self._here(sender, sends=True)
            return await self._put(sender, Lane.parse(found[2]), int(found[3]), headers, receive)
        if method == "GET" and (found := _GET.fullmatch(path)):
            self._own(sender, found[1])
            await self._here(sender, agreeing=True)
            return self._ledger(sender, found[2])
        if method == "POST" and (found := _EXCHANGE.fullmatch(path)):
            self._own(sender, found[1])
            await self._here(sender)
            return await self._say(sender, scope, headers, receive)
        raise NotFound(
            "relay-route-unknown",
            Text(f"There is no {method} {path[:200]}.", f"没有 {method} {path[:200]}。"),
            Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
        )

    def _sender(self, scope: Scope) -> Sender:
        return self._gate.sender(scope.get("extensions", {}).get("tls", {}).get("client_der"))

    async def _hand_out(
        self, edge: str, message: str, content_of: ContentOf, scope: Scope, send: Send
    ) -> None:
        sender = self._sender(scope)
        self._own(sender, edge)
        await self._here(sender)
        path = await asyncio.to_thread(content_of, sender.edge, message)
        start = start_of(scope.get("query_string", b""))
        await send_file(send, path, start, [(GENERATION.encode(), b"%d" % self._generation())])

    def _known(self, scope: Scope, edge: str) -> Sender:
        sender = self._sender(scope)
        self._own(sender, edge)
        return sender

    async def _here(self, sender: Sender, *, agreeing: bool = False, sends: bool = False) -> None:
        if self.ownership is not None:
            await self.ownership.answer_for(sender.edge, agreeing=agreeing, sends=sends)

    @staticmethod
    def _own(sender: Sender, edge: str) -> None:
        if edge != sender.edge:
            raise NotYours(sender.edge, edge)

    async def _put(
        self, sender: Sender, lane: Lane, first: int, headers: Headers, receive: Receive
    ) -> dict[str, Any]:
        self._limits.admit(sender.edge)
        length = _number(headers, LENGTH)
        size = _number(headers, "content-length") if b"content-length" in headers else None
        if length > LENGTH_MAX or (size or 0) > BODY_BYTES_MAX:
            raise TooLarge()
        previous = Mark.parse(_text(headers, PREVIOUS))
        async with self._room.taken(length):
            content = await read_body(receive, BODY_BYTES_MAX)
            encoding, digest = _text(headers, "content-encoding"), _text(headers, "content-digest")
            body = unpack_body(content, encoding, length, digest)
            yes = await self._receiving.put(sender, lane, previous, body)
        if self.ownership is not None:
            self.ownership.still(sender.edge)
        self._limits.took(sender.edge, yes.rows, len(content))
        return _told(yes)

    def _ledger(self, sender: Sender, epoch: str) -> dict[str, Any]:
        lanes = self._receiving.ledger.lanes(sender.edge, epoch)
        return {
            "lanes": {str(lane.start): str(mark) for lane, mark in lanes.items()},
            "tags": self._receiving.known_tags(sender, epoch),
        }

    async def _say(
        self, sender: Sender, scope: Scope, headers: Headers, receive: Receive
    ) -> dict[str, Any]:
        content = await read_body(receive, EXCHANGE_BYTES_MAX)
        try:
            report = json.loads(content)
            found = re.search(rb"wait=([0-9.]{1,6})", scope.get("query_string", b""))
            wait_s = min(float(found[1]) if found else 0.0, EXCHANGE_WAIT_S_MAX)
        except ValueError as error:
            raise wrong_body(f"it is no report: {error}", f"不是有效的报告：{error}") from error
        if not isinstance(report, dict):
            raise wrong_body("it is no report", "不是有效的报告")
        return await self._exchange(sender.edge, report, wait_s)

    # -- answers -----------------------------------------------------------------------------

    async def _refuse(self, send: Send, error: LianjiError) -> None:
        content = error.as_json()
        status = error.http_status
        headers: list[tuple[bytes, bytes]] = []
        if isinstance(error, TagsUnknown):
            content["tags"] = error.known
        elif isinstance(error, RelayParted):
            content["mark"] = str(error.mark)
        elif isinstance(error, Elsewhere):
            content["address"] = error.address
            headers.append((b"connection", b"close"))  # the next may arrive at another process
        elif isinstance(error, Busy):
            after = getattr(error, "retry_after_s", 1.0)
            headers.append((b"retry-after", b"%d" % max(1, round(after))))
        await self._send(send, status, content, headers)

    async def _send(
        self,
        send: Send,
        status: int,
        content: dict[str, Any],
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        await self._send_bytes(send, status, body, b"application/json", headers)

    async def _send_bytes(
        self,
        send: Send,
        status: int,
        body: bytes,
        kind: bytes,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        fixed = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (GENERATION.encode(), b"%d" % self._generation()),
        ]
        if status == TooLarge.http_status:
            fixed.append((b"connection", b"close"))  # what follows of the body is not read
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [*fixed, *(headers or [])]})
        await send({"type": "http.response.body", "body": body})


class TooLarge(InputError):
    http_status = 413

    def __init__(self) -> None:
        super().__init__(
            "relay-body-too-large",
            Text(
                f"A body may have {BODY_BYTES_MAX >> 20} MiB, and {LENGTH_MAX >> 20} MiB unpacked.",
                f"内容不得超过 {BODY_BYTES_MAX >> 20} MiB，解压后不得超过 {LENGTH_MAX >> 20} MiB。",
            ),
            Text("Send fewer records at once.", "请减少单次发送的记录数。"),
        )


class NotYours(InputError):
    """An edge speaks in another's name."""

    http_status = 403

    def __init__(self, edge: str, asked: str) -> None:
        super().__init__(
            "relay-not-yours",
            Text(
                f"The certificate is that of {edge}, and {asked} was asked for.",
                f"证书属于 {edge}，但请求的是 {asked}。",
            ),
            Text("Let each edge join under its own name.", "请让每个边缘端以自己的名称加入。"),
        )


class Room:
    """So many bytes at once; who comes when it is full waits."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._changed = asyncio.Condition()

    def taken(self, count: int) -> _Taken:
        return _Taken(self, count)

    async def take(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= count)
            self._left -= count

    async def give(self, count: int) -> None:
        async with self._changed:
            self._left += count
            self._changed.notify_all()


class _Taken:
    def __init__(self, room: Room, count: int) -> None:
        self._room = room
        self._count = count

    async def __aenter__(self) -> None:
        await self._room.take(self._count)

    async def __aexit__(self, *_: object) -> None:
        await self._room.give(self._count)


async def read_body(receive: Receive, bytes_max: int) -> bytes:
    """The whole body. Raises the 413 as soon as it is larger, InputError if it breaks off."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise wrong_body("it broke off", "传输中断")
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise TooLarge()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _told(yes: Yes) -> dict[str, Any]:
    return {"mark": str(yes.mark), "tags": yes.tags}


def _text(headers: Headers, name: str) -> str:
    return headers.get(name.encode(), b"").decode("ascii", "replace")


def _number(headers: Headers, name: str) -> int:
    text = _text(headers, name)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise wrong_body(f"the header {name} is missing or no number", f"请求头 {name} 缺失或无效")
    return int(text)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
