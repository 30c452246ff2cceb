"""Many edges in one process, as light as they can be: so that what is measured is the hub.

    python -m bench.relay.edges PORT FOLDER COUNT ROWS TAGS PERIOD_S SECONDS

Each edge has a certificate in FOLDER, one connection, and one request under way at a time: a
record of ROWS samples of TAGS tags, one PERIOD_S behind the other (0: as fast as the yes comes).
Records are encoded, squeezed and digested as a real edge does it. Prints a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import ssl
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvloop

from lianji.dictionary.batch import Batch
from lianji.relay.trust import tls
from lianji.relay.wire import PREVIOUS, pack_body
from lianji.spool.record import Kind, Packed, encode_tags, pack, record_at

START_US = 1_767_225_600_000_000
EPOCH = os.urandom(16).hex()
"""Each run is another spool."""


@dataclass
class Tally:
    samples: int = 0
    requests: int = 0
    body_bytes: int = 0
    yes_ms: list[float] = field(default_factory=list)


def packed_batches(rows: int, tags: int, kinds: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns of some records: values of two decimals, all tags second by second."""
    draw = np.random.default_rng(rows)
    ids = np.tile(np.arange(tags, dtype=np.int32), -(-rows // tags))[:rows]
    return [(ids, draw.uniform(0, 100, rows).round(2)) for _ in range(kinds)]


class Edge:
    """One lane of one edge over one connection."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext, rows: int, tags: int) -> None:
        self.name, self.port, self.context = name, port, context
        self.rows, self.tags = rows, tags
        self.sequence = 0
        self.previous = "0:0"
        self.step = 0
        self.columns = packed_batches(rows, tags)

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context, server_hostname="hub"
        )

    def record(self) -> bytes:
        ids, values = self.columns[self.sequence % len(self.columns)]
        seconds = np.repeat(np.arange(-(-self.rows // self.tags)), self.tags)[: self.rows]
        times = START_US + (self.step + seconds) * 1_000_000
        self.step += int(seconds[-1]) + 1
        packed: Packed = pack(Batch.of(ids, times, values, origin="device/plc"))
        self.sequence += 1
        assert packed.kind is Kind.BATCH
        return b"".join(packed.record(self.sequence))

    async def send(self, tally: Tally) -> None:
        parts: list[bytes | memoryview] = []
        if self.sequence == 0:
            paths = [f"{self.name}/m{tag // 10:03d}/s{tag % 10}" for tag in range(self.tags)]
            parts += encode_tags(0, list(range(self.tags)), paths)
        raw = self.record()
        body = pack_body([*parts, raw])
        head = "".join(f"{name}: {value}\r\n" for name, value in body.headers.items())
        started = time.perf_counter()
        self.writer.write(
            f"PUT /relay/v1/{self.name}/{EPOCH}.1/{self.sequence} HTTP/1.1\r\nhost: hub\r\n{head}"
            f"{PREVIOUS}: {self.previous}\r\ncontent-length: {len(body.content)}\r\n\r\n".encode()
            + body.content
        )
        status, told = await self._answer()
        if status != 200:
            raise RuntimeError(f"{self.name}: {status} {told}")
        tally.yes_ms.append((time.perf_counter() - started) * 1000)
        tally.samples += self.rows
        tally.requests += 1
        tally.body_bytes += len(body.content)
        record = record_at(memoryview(raw), 0)
        assert record is not None
        self.previous = f"{record.sequence}:{record.check:016x}"

    async def _answer(self) -> tuple[int, dict[str, object]]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(head.split(b" ", 2)[1]), json.loads(await self.reader.readexactly(length))


async def drive(edge: Edge, tally: Tally, period_s: float, until_s: float) -> None:
    await edge.open()
    due = time.monotonic() + random.random() * period_s
    while time.monotonic() < until_s:
        if period_s:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += period_s
        await edge.send(tally)


async def main(port: int, folder: Path, count: int, rows: int, tags: int, *times: float) -> None:
    period_s, seconds = times
    root = (folder / "root.pem").read_bytes()
    edges = [
        Edge(f"e{n:04d}", port, tls.client_context(root, folder / f"e{n:04d}.pem"), rows, tags)
        for n in range(count)
    ]
    tally = Tally()
    until_s = time.monotonic() + seconds
    started = time.monotonic()
    await asyncio.gather(*(drive(edge, tally, period_s, until_s) for edge in edges))
    took = time.monotonic() - started
    yes = sorted(tally.yes_ms)
    print(
        json.dumps(
            {
                "samples": tally.samples,
                "requests": tally.requests,
                "seconds": took,
                "bytes": tally.body_bytes,
                "p50_ms": yes[len(yes) // 2],
                "p99_ms": yes[int(len(yes) * 0.99)],
                "cpu_s": time.process_time(),
            }
        )
    )


if __name__ == "__main__":
    numbers = sys.argv[3:]
    uvloop.run(
        main(int(sys.argv[1]), Path(sys.argv[2]), *map(int, numbers[:3]), *map(float, numbers[3:]))
    )
