"""The TLS server under the door: uvicorn, and each connection's client certificate in the scope."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lianji.relay.door import App

KEEP_ALIVE_S = 75
SHUTDOWN_S_MAX = 2
CONNECTIONS_MAX = 4_096


class _Protocol(HttpToolsProtocol):
    """Puts the client's certificate where the application finds it.

    ``scope["extensions"]["tls"]["client_der"]``: bytes, or None if the client showed none.
    """

    _client_der: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, ssl.SSLObject):
            self._client_der = tls.getpeercert(binary_form=True)

    def on_headers_complete(self) -> None:
        self.scope["extensions"] = {"tls": {"client_der": self._client_der}}
        super().on_headers_complete()


class DoorServer(uvicorn.Server):
    """Run it with ``await server.serve(sockets=[...])``; end it with ``should_exit = True``."""

    def __init__(self, app: App, context: ssl.SSLContext) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S_MAX,
            backlog=1024,
            limit_concurrency=CONNECTIONS_MAX,
        )
        config.load()
        config.ssl = context
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the node
