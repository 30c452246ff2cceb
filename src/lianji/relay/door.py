"""The hub's port: mutual TLS, the few routes of the relay, and limits before anything is read.

A plain ASGI application: the way of data passes no framework. Whoever is not known gets no further
than ``/relay/v1/join``.

    PUT  /relay/v1/{edge}/{lane}/{sequence}    records of a lane
    GET  /relay/v1/{edge}/{epoch}              the ledger of that epoch
    POST /relay/v1/{edge}/exchange             a report, and what the hub has to say
    GET  /relay/v1/{edge}/content/{id}?from=N  what a message to it is about, from byte N on
    GET  /relay/v1/{edge}/repair/{id}          samples that the edge has lost: an Arrow stream
    POST /relay/v1/{edge}/group                what hubs of one group tell each other
    GET /relay/v1/ca, POST /relay/v1/join, /relay/v1/renew: see trust.door
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Protocol

from lianji.base.errors import Busy, InputError, LianjiError, NotFound, Text
from lianji.relay.bodies import Receive, Room, TooLarge, read_body, read_json
from lianji.relay.generation import Generation
from lianji.relay.lanes import Lane, Mark
from lianji.relay.limits import Limits
from lianji.relay.messages.serving import ContentOf, send_file, start_of
from lianji.relay.naming import TagsUnknown
from lianji.relay.ownership import Elsewhere, Ownership
from lianji.relay.receiving import Receiving, RelayParted, Sender, Yes
from lianji.relay.wire import (
    BODY_BYTES_MAX,
    GENERATION,
    GENERATION_PROOF,
    LENGTH,
    LENGTH_MAX,
    PREVIOUS,
    unpack_body,
    wrong_body,
)

Scope = MutableMapping[str, Any]
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
_GROUP = re.compile(r"/relay/v1/([^/]{1,64})/group")
GROUP_BYTES_MAX = 16 * 1024 * 1024


class Gate(Protocol):
    """Who speaks."""

    def sender(self, certificate: bytes | None) -> Sender:
        """By the connection's certificate (DER). Raises LianjiError: 401 or 403."""


class Exchange(Protocol):
    """The other way: what the hub says to an edge."""

    async def __call__(self, edge: str, report: dict[str, Any], wait_s: float) -> dict[str, Any]:
        """Take a report, wait for something to say at most so long, and say it."""


class Standing(Protocol):
    """What the hub is in its group."""

    def told(self) -> Generation: ...

    def hear(self, generation: Generation) -> None: ...

    def admit(self, generation: Generation, of_the_group: bool) -> None:
        """Raises LianjiError for who may not bring anything now."""


Group = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Answers what another hub of the group tells. Called in a thread. Raises LianjiError."""


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
        standing: Standing | None = None,
        group: Group | None = None,
    ) -> None:
        """``generation`` is told where there is no ``standing``."""
        self._standing = standing
        self._group = group
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
        certificate = scope.get("extensions", {}).get("tls", {}).get("client_der")
        sender = self._gate.sender(certificate)
        headers: Headers = dict(scope["headers"])
        if method == "POST" and (found := _GROUP.fullmatch(path)) and self._group is not None:
            self._own(sender, found[1])
            return await self._with_group(sender, headers, receive)
        if self._standing is not None:
            self._standing.admit(_seen(headers), sender.is_hub)
        if method == "PUT" and (found := _PUT.fullmatch(path)):
            self._own(sender, found[1])
            await self._here(sender, sends=True)
            lane, first = Lane.parse(found[2]), int(found[3])
            still = partial(self._gate.sender, certificate)
            return await self._put(sender, lane, first, headers, receive, still)
        if method == "GET" and (found := _GET.fullmatch(path)):
            self._own(sender, found[1])
            await self._here(sender, agreeing=True)
            return await self._ledger(sender, found[2])
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
        await send_file(send, path, start, self._told_generation())

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
        self,
        sender: Sender,
        lane: Lane,
        first: int,
        headers: Headers,
        receive: Receive,
        still: Callable[[], object],
    ) -> dict[str, Any]:
        if not sender.is_hub:  # it brings what all edges bring
            self._limits.admit(sender.edge)
        length = _number(headers, LENGTH)
        size = _number(headers, "content-length") if b"content-length" in headers else None
        if length > LENGTH_MAX or (size or 0) > BODY_BYTES_MAX:
            raise TooLarge()
        previous = Mark.parse(_text(headers, PREVIOUS))
        async with self._room.taken(length):
            content = await read_body(receive, BODY_BYTES_MAX)
            still()  # a slow body may outlive its edge's right to send it
            encoding, digest = _text(headers, "content-encoding"), _text(headers, "content-digest")
            body = unpack_body(content, encoding, length, digest)
            yes = await self._receiving.put(sender, lane, previous, body)
            brought = len(content)
        if self.ownership is not None:
            self.ownership.still(sender.edge)
        self._limits.took(sender.edge, yes.rows, brought)
        return _told(yes)

    async def _with_group(
        self, sender: Sender, headers: Headers, receive: Receive
    ) -> dict[str, Any]:
        """Also of who was fenced: it must hear of it."""
        if not sender.is_hub or self._group is None:
            raise NotYours(sender.edge, "group")
        if self._standing is not None:
            self._standing.hear(_seen(headers))
        told = await read_json(receive, GROUP_BYTES_MAX)
        return await asyncio.to_thread(self._group, sender.edge, told)

    async def _ledger(self, sender: Sender, epoch: str) -> dict[str, Any]:
        await self._receiving.settled(sender.edge)
        lanes = self._receiving.ledger.lanes(sender.edge, epoch)
        return {
            "lanes": {str(lane.start): str(mark) for lane, mark in lanes.items()},
            "tags": self._receiving.known_tags(sender, epoch),
        }

    async def _say(
        self, sender: Sender, scope: Scope, headers: Headers, receive: Receive
    ) -> dict[str, Any]:
        report = await read_json(receive, EXCHANGE_BYTES_MAX)
        try:
            found = re.search(rb"wait=([0-9.]{1,6})", scope.get("query_string", b""))
            wait_s = min(float(found[1]) if found else 0.0, EXCHANGE_WAIT_S_MAX)
        except ValueError as error:
            raise wrong_body(f"it is no report: {error}", f"不是有效的报告：{error}") from error
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
            *self._told_generation(),
        ]
        if status == TooLarge.http_status:
            fixed.append((b"connection", b"close"))  # what follows of the body is not read
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [*fixed, *(headers or [])]})
        await send({"type": "http.response.body", "body": body})

    def _told_generation(self) -> list[tuple[bytes, bytes]]:
        if self._standing is None:
            return [(GENERATION.encode(), b"%d" % self._generation())]
        told = self._standing.told()
        return [
            (GENERATION.encode(), b"%d" % told.number),
            (GENERATION_PROOF.encode(), told.proof.encode()),
        ]


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


def _seen(headers: Headers) -> Generation:
    """The highest generation that the client saw, or that it is of."""
    return Generation.parse(f"{_text(headers, GENERATION)} {_text(headers, GENERATION_PROOF)}")


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
