"""A real edge in the bench's process: its spool, its uplink, over a line as wide as it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.relay.hub import BenchHub
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.client import HubClient
from lianji.relay.trust import tls
from lianji.relay.uplink import Uplink
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

SPOOL_BYTES = 8 * 1024**3


@dataclass
class BenchEdge:
    """``put`` says yes as a plant's spool does; ``uplink`` tells when the hub has said it."""

    spool: Spool
    names: TagIds
    uplink: Uplink
    name: str

    def put(self, ids: np.ndarray, times_us: np.ndarray, values: np.ndarray) -> int:
        batch = Batch.of(ids, times_us, values, origin="device/plc")
        return self.spool.put(batch).result(60)

    def tags(self, count: int) -> np.ndarray:
        return self.names.ids_of([f"{self.name}/m{n // 10:03d}/s{n % 10}" for n in range(count)])


@contextmanager
def bench_edge(
    folder: Path, hub: BenchHub, port: int = 0, name: str = "e0000"
) -> Iterator[BenchEdge]:
    """``port`` is that of a line before the hub, or 0."""
    certificates = hub.folder.parent / "edges"
    root = (certificates / "root.pem").read_bytes()
    names = TagIds.open(folder / "tag-ids.tsv")
    spool = Spool(folder / "spool", SpoolSettings(bytes_max=SPOOL_BYTES), names.path_of)
    client = HubClient(
        [f"https://127.0.0.1:{port or hub.port}"],
        name,
        lambda: tls.client_context(root, certificates / f"{name}.pem"),
    )
    uplink = Uplink(spool, names, folder / "relay", client)
    try:
        yield BenchEdge(spool, names, uplink, name)
    finally:
        uplink.close()
        spool.close()


def latencies_ms(edge: BenchEdge, count: int, pause_s: float = 0.2) -> list[float]:
    """From a sample in hand to the hub's yes, sorted."""
    edge.uplink.start()
    ids = edge.tags(10)
    taken = []
    for number in range(count):
        time.sleep(pause_s * (0.5 + (number * 7 % 10) / 10))
        started = time.perf_counter()
        now_us = time.time_ns() // 1000
        sequence = edge.put(ids, np.full(10, now_us), np.arange(10.0))
        if not edge.uplink.wait_for(sequence, 10):
            raise TimeoutError("no yes from the hub within 10 s")
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken[5:])
