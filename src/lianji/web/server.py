"""The HTTP server that carries the app: loopback unless the node says otherwise."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from lianji.web.live import Streams

SHUTDOWN_S_MAX = 2


class WebServer(uvicorn.Server):
    """Run it with ``await server.serve()``; end it with ``server.should_exit = True``.

    Signals belong to the node. Live streams end first, so that ending waits for nobody.
    """

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 8060) -> None:
        self._streams: Streams = app.state.streams
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http="httptools",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,  # web.access.client believes only configured proxies
                timeout_graceful_shutdown=SHUTDOWN_S_MAX,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.end()
        await super().shutdown(sockets)
