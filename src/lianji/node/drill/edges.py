"""Simulated edges: real spools and real uplinks, and a load of which every sample is known.

The n-th sample of an edge has the value n, at n milliseconds behind the beginning: so what a hub
has can be checked to the last one.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from lianji.base.durable import make_folder
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.client import HubClient
from lianji.relay.generation import Highest
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.edges import Edges
from lianji.relay.trust.identity import Identity, LetIn
from lianji.relay.uplink import Uplink
from lianji.spool.spool import Spool

STEP_US = 1_000
TAG = "drill/value"
TICK_S = 0.05


class SimulatedEdge:
    """One edge; ``rate`` samples a second while it is loaded."""

    def __init__(
        self, folder: Path, name: str, hubs: list[str], edges: Edges, start_us: int, rate: int
    ) -> None:
        """``edges``: the copied hub's, which lets this one in. ``start_us``: of its first sample.

        Raises StorageError, OSError.
        """
        self.name, self.start_us = name, start_us
        self._rows = max(1, round(rate * TICK_S))
        self.sent = 0
        self.yes_s: list[tuple[float, str]] = []
        """When a hub's yes came, on the clock that is never set back, and its address."""
        self.identity = _enrolled(folder / "relay", name, edges)
        make_folder(folder.resolve())
        self.seen = Highest(folder / "relay/generation")
        self._names = TagIds.open(folder / "tag-ids.tsv")
        self.spool = Spool(folder / "spool", None, self._names.path_of)
        self._client = HubClient(hubs, name, self.identity.client_context, seen=self.seen)
        self.uplink = Uplink(self.spool, self._names, folder / "relay", self._client)
        self.uplink.on_moved = self._noted
        self._id = int(self._names.ids_of([self.tag])[0])
        self._loading = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"drill-{name}", daemon=True)

    @property
    def tag(self) -> str:
        """Its tag's path, here and at the hub."""
        return f"{self.name}/{TAG}"

    def start(self) -> None:
        self.uplink.start()
        self._loading.set()
        self._thread.start()

    def rest(self) -> None:
        """No more samples from now on."""
        self._loading.clear()

    def close(self) -> None:
        self._stop.set()
        self._loading.set()
        if self._thread.is_alive():
            self._thread.join()
        self.uplink.close()
        self.spool.close()

    @property
    def acknowledged(self) -> bool:
        """Whether the hub that it speaks to has all of it."""
        return self.uplink.status().connected and self.uplink.position >= self.spool.durable

    def _noted(self) -> None:
        self.yes_s.append((time.monotonic(), self._client.address))

    def _run(self) -> None:
        while self._loading.wait() and not self._stop.is_set():
            numbers = np.arange(self.sent, self.sent + self._rows)
            times = self.start_us + numbers * STEP_US
            ids = np.full(len(numbers), self._id)
            batch = Batch.of(ids, times, numbers.astype(float), origin="device/drill")
            self.spool.put(batch).result(30)
            self.sent += len(numbers)
            self._stop.wait(TICK_S)


def _enrolled(folder: Path, name: str, edges: Edges) -> Identity:
    """As ``lianji join`` does it, at the authority itself."""
    key = new_key()
    let_in = edges.admit(edges.invite(name, [name]), request_of(key, name), name)
    authority = edges.authority
    ca, public = authority.pem.decode(), authority.public_key_pem.decode()
    answer = LetIn(
        edge=name,
        hub=authority.name,
        certificate=let_in.pem.decode(),
        ca=ca,
        public_key=public,
        sites=[name],
        addresses=[],
    )
    return Identity.write(folder, key, answer)
