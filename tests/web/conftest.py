"""The app over a plant in memory: in-process for HTTP, and as a real server for the browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lianji.history.annotations import Annotations
from lianji.web.access.access import Access, OpenAccess
from lianji.web.app import create_app
from lianji.web.server import WebServer
from tests.peers import free_port, wait_until
from tests.web.plant import MemoryPlant


@pytest.fixture
def plant(tmp_path: Path) -> MemoryPlant:
    return MemoryPlant(Annotations(tmp_path / "annotations", "shop"), tmp_path / "dashboards")


@pytest.fixture
async def client(plant: MemoryPlant) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(plant, OpenAccess()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        yield client


@contextmanager
def served(
    plant: MemoryPlant, access: Access | None = None, port: int | None = None
) -> Iterator[tuple[str, WebServer]]:
    """The real server in a thread of its own; its address and itself. Open, if not said else."""
    port = port or free_port()
    server = WebServer(create_app(plant, access or OpenAccess()), port=port)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, what="the web server has started")
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
