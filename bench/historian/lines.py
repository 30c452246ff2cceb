"""Line protocol over HTTP, the same bodies for all: ten fields a line, late and repeated readings
among them. And Arrow, which only Lianji takes. Until the last yes, and then until at rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.harness import Row, work_folder
from bench.historian.feed import joined, reading_lines
from bench.historian.ours_http import LianjiHttp, body_of
from bench.historian.rows import more
from bench.historian.scale import TAGS, scaled
from bench.historian.system import Series, rest
from bench.load import post_all
from bench.mixes import SECOND_US, Block, Mix
from bench.plant import Watched
from bench.rival_influx import InfluxDB
from bench.rival_victoria import VictoriaMetrics

SAMPLES = scaled(4_000_000, 500_000)
CONNECTIONS = 4
QUIET_S = 6
"""Longer than the plant of the comparison waits before it makes a file."""
SAMPLES_A_BODY = 100_000


@dataclass(frozen=True, slots=True)
class Sent:
    name: str
    yes: str
    rate: float
    cpu_ns: float
    memory_mb: float
    settle_s: float

    def told(self) -> str:
        return (
            f"{self.name}: {self.yes}, {self.cpu_ns:.0f} ns of processor a sample until at rest "
            f"{self.settle_s:.0f} s later, {self.memory_mb:.0f} MB"
        )


def lines_rows() -> list[Row]:
    mix = Mix("plant", TAGS, SECOND_US, -(-SAMPLES // TAGS))
    series = Series("plant", 0, mix.paths, mix.end_us)
    blocks = list(joined(mix.blocks(), 1_000_000))
    bodies = [body for block in blocks for body in reading_lines(block, mix.paths)]
    samples = sum(map(len, blocks))
    ours = _sent(LianjiHttp, "/write?precision=ms", bodies, samples, series)
    rivals = [
        _sent(VictoriaMetrics, "/write?precision=ms", bodies, samples, series),
        _sent(InfluxDB, "/write?db=bench&precision=ms", bodies, samples, series),
    ]
    measure = f"line protocol, {samples / 1e6:.1f} M samples in bodies of 100,000"
    rows = [
        more(measure, ours.rate, "samples/s", "", rival.name, rival.rate,
             f"{ours.told()}; {rival.told()}")
        for rival in rivals
    ]  # fmt: skip
    arrow = _arrow(blocks, samples, series)
    measure = f"Arrow over HTTP, {samples / 1e6:.1f} M samples in bodies of 100,000"
    return [*rows, Row(measure, arrow.rate, "samples/s", note=arrow.told())]


def _arrow(blocks: Sequence[Block], samples: int, series: Series) -> Sent:
    cut = [
        block.take(slice(at, at + SAMPLES_A_BODY))
        for block in blocks
        for at in range(0, len(block), SAMPLES_A_BODY)
    ]
    bodies = [body_of(block, series) for block in cut]
    return _sent(LianjiHttp, "/api/push/arrow", bodies, samples, series)


class Server(Protocol):
    name: str
    yes: str
    server: Watched

    def memory_mb(self) -> float: ...

    def close(self) -> None: ...


def _sent(
    opened: Callable[[Path, Sequence[str]], Server],
    path: str,
    bodies: list[bytes],
    samples: int,
    series: Series,
) -> Sent:
    with work_folder() as folder:
        system = opened(folder, series.paths)
        try:
            server = system.server
            used = server.cpu_s()
            elapsed_s = post_all(server.port, path, bodies, CONNECTIONS)
            started = time.perf_counter()
            rest(folder, server.cpu_s, quiet_s=QUIET_S)
            settle_s = time.perf_counter() - started - QUIET_S
            cpu_ns = (server.cpu_s() - used) / samples * 1e9
            rate = samples / elapsed_s
            return Sent(system.name, system.yes, rate, cpu_ns, system.memory_mb(), settle_s)
        finally:
            system.close()
