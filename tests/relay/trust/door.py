"""A hub's door that listens on loopback with real TLS, and clocks that tests set."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lianji.base.clock import now_us
from lianji.base.state import State, url_of
from lianji.relay.trust.authority import Authority
from lianji.relay.trust.door import answering, client_der, routes
from lianji.relay.trust.edges import Edges
from lianji.relay.trust.invitation import Invitation
from lianji.relay.trust.peer import peer_of

DAY_US = 86_400_000_000
SAID: dict[str, bytes] = {}
"""What the door answers at these paths instead, with this status."""
STATUS = 403


class Clock:
    """Wall time and monotonic time that move only when told."""

    def __init__(self) -> None:
        self.us = now_us()
        self.s = 0.0

    def __call__(self) -> int:
        return self.us

    def ticks(self) -> float:
        return self.s

    def pass_days(self, days: float) -> None:
        self.us += int(days * DAY_US)
        self.s += days * 86_400


class _WithCertificate(HttpToolsProtocol):
    """Puts the client's certificate where the door looks for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self.client_der = tls.getpeercert(binary_form=True) if tls else None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions = self.scope.setdefault("extensions", {})
        extensions["tls"] = {"client_der": self.client_der}


@dataclass
class Hub:
    """An authority, its edges and their door. ``asked`` is what came, path and body."""

    authority: Authority
    edges: Edges
    state: State
    clock: Clock
    port: int = 0
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def invitation(self, name: str = "park1", sites: Sequence[str] = ("park1",)) -> Invitation:
        token = self.edges.invite(name, sites)
        return Invitation.of(self.address, token, self.authority.fingerprint)

    async def who(self, request: Request) -> Response:
        """A request for who may speak now, as those that carry samples are."""
        peer = peer_of(client_der(request), self.clock(), self.edges)
        return JSONResponse({"edge": peer.edge, "sites": peer.sites})


@contextmanager
def made_hub(folder: Path, name: str = "hub") -> Iterator[Hub]:
    clock = Clock()
    authority = Authority.create(folder / "data" / "hub", name, clock)
    state = State(url_of(folder))
    edges = Edges(state, authority, clock=clock, ticks=clock.ticks)
    try:
        yield Hub(authority, edges, state, clock)
    finally:
        state.close()


@contextmanager
def open_door(hub: Hub, context: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """The door of a hub, or one that shows its endpoints behind another context."""
    listed = routes(hub.authority, hub.edges, ["https://hub.example:8461"], hub.clock)
    app = Starlette(routes=[*listed, Route("/who", answering(hub.who))])

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        parts: list[bytes] = []

        async def heard() -> Any:
            message = await receive()
            parts.append(message.get("body", b""))
            return message

        try:
            said = SAID.get(scope.get("path", ""))
            await (app if said is None else Response(said, STATUS))(scope, heard, send)
        finally:
            if scope["type"] == "http":
                hub.asked.append((scope["path"], b"".join(parts)))

    config = uvicorn.Config(
        noting,
        host="127.0.0.1",
        port=0,
        http=_WithCertificate,
        ssl_context_factory=lambda _config, _default: context or hub.authority.server_context(),
        log_config=None,
        lifespan="off",
        loop="asyncio",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = lambda: _nothing()  # type: ignore[method-assign]
    with _running(server):
        hub.port = server.servers[0].sockets[0].getsockname()[1]
        yield hub


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _running(server: uvicorn.Server) -> Iterator[None]:
    started = threading.Event()
    startup = server.startup

    async def told(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = told  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
