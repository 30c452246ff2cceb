"""A hub that is a whole plant, its door open in a thread, in this process."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lianji.base.clock import now_us
from lianji.dictionary.batch import Batch
from lianji.node.enrolment import create_hub
from lianji.node.folder import PlantFolder
from lianji.node.hub import HubDoor
from lianji.node.plant import Plant
from lianji.relay.trust import tls
from lianji.relay.trust.certificates import key_pem, new_key, request_of

DAY_US = 86_400_000_000
START_US = 1_790_000_000_000_000 // DAY_US * DAY_US


class OpenHub:
    """A plant with a door. ``port`` and ``context`` are what ``tests.relay.world.Edge`` wants."""

    def __init__(self, root: Path) -> None:
        self.folder = PlantFolder(root)
        if not self.folder.settings.exists():
            create_hub(self.folder, "north")
        self.plant = Plant(self.folder)
        settings = self.plant.configuration.settings.hub
        assert settings is not None
        self._keys = root.parent
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        self.port = listener.getsockname()[1]
        started = threading.Event()

        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            self.door = HubDoor(self.plant, settings)
            self.plant.hub = self.door
            started.set()
            await self.door.serve(listener)

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def admit(self, edge: str, sites: Sequence[str] | None = None) -> None:
        """As if it had joined: its certificate in a file."""
        key = new_key()
        token = self.door.edges.invite(edge, sites or [edge])
        admitted = self.door.edges.admit(token, request_of(key, edge), edge)
        content = key_pem(key) + admitted.pem + self.door.authority.pem
        (self._keys / f"{edge}.pem").write_bytes(content)

    def context(self, edge: str) -> ssl.SSLContext:
        return tls.client_context(self.door.authority.pem, self._keys / f"{edge}.pem")

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.door.stop)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.plant.close()


@contextmanager
def open_hub(root: Path) -> Iterator[OpenHub]:
    hub = OpenHub(root)
    try:
        yield hub
    finally:
        hub.close()


def put(
    plant: Plant, site: str, days: int = 3, rows: int = 50, value: float = 0.0, later_s: int = 0
) -> None:
    """Samples of two tags of a site, some a day, some of them words, through the spool."""
    for day in range(days):
        for tag in ("line/temperature", "line/pressure"):
            [number] = plant.names.ids_of([f"{site}/{tag}"]).tolist()
            times = START_US + day * DAY_US + (later_s + np.arange(rows)) * 1_000_000
            texts = [None] * (rows - 1) + ["开"]
            batch = Batch.of([number] * rows, times, np.arange(rows) + value, None, texts)
            plant.spool.put(batch).result(10)
    plant.history.flush()


def long_revoked(plant: Plant, hub: HubDoor, edge: str) -> None:
    """Revoke, and let it be a minute ago."""
    from lianji.relay.trust.tables import edges

    hub.edges.revoke(edge)
    with plant.state.writing() as connection:
        connection.execute(edges.update().values(revoked_us=now_us() - 60_000_000))
