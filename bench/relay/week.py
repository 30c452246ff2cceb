"""A week without a line: 1,000 tags at 1 Hz gather in the spool, then drain over 10 Mbit/s.

``LIANJI_BENCH_SCALE`` is the part of the week (0.02 by default; 1 is all 604.8 M samples, about an
hour). Meanwhile the plant goes on: how late its new samples are is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.harness import Row, work_folder
from bench.mixes.signals import plant_signals
from bench.relay.edge import BenchEdge, bench_edge
from bench.relay.hub import BenchHub, bench_hub
from lianji.dictionary.batch import Batch
from tests.relay.line import Line, line_to

TAGS = 1_000
WEEK_S = 7 * 86_400
LINE_BYTES_A_SECOND = 10e6 / 8
SCALE = float(os.environ.get("LIANJI_BENCH_SCALE", "0.02"))
AHEAD = 64
DRAIN_S_MAX = 3 * 3600
_REOPEN = """
import sys, time
from pathlib import Path
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool
started = time.perf_counter()
spool = Spool(Path(sys.argv[1]), SpoolSettings(bytes_max=8 * 1024**3))
took = time.perf_counter() - started
peak = next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM"))
print(took, int(peak) * 1024 / 1e6, spool.durable)
"""


def run() -> list[Row]:
    with work_folder() as folder, bench_hub(folder, 1) as hub:
        with bench_edge(folder / "plant", hub) as edge:
            rows = _gather(edge)
        rows += _reopen(folder / "plant" / "spool")
        with line_to(hub.port) as line:
            line.bytes_a_second = LINE_BYTES_A_SECOND
            with bench_edge(folder / "plant", hub, line.port) as edge:
                return rows + _drain(edge, hub, line)


def _gather(edge: BenchEdge) -> list[Row]:
    seconds = int(WEEK_S * SCALE)
    ids, signals = edge.tags(TAGS), plant_signals(TAGS, 1_000_000, 7)
    first_us = time.time_ns() // 1000 - seconds * 1_000_000
    waiting = []
    started = time.perf_counter()
    for second in range(seconds):
        times = np.full(TAGS, first_us + second * 1_000_000)
        values = signals.take(1)[0]
        waiting.append(edge.spool.put(Batch.of(ids, times, values, origin="device/plc")))
        if len(waiting) >= AHEAD:
            waiting.pop(0).result(60)
    for one in waiting:
        one.result(60)
    took, status = time.perf_counter() - started, edge.spool.status()
    a_sample = status.bytes / (seconds * TAGS)
    return [
        Row(f"spool of {SCALE:.0%} of a week, 1,000 tags at 1 Hz", status.bytes / 1e9, "GB",
            goal=f"< {4 * SCALE:g}", note=f"{a_sample:.2f} B a sample, {seconds * TAGS:,} samples, "
            f"put in {took:.0f} s"),
    ]  # fmt: skip


def _reopen(spool: Path) -> list[Row]:
    done = subprocess.run(
        [sys.executable, "-c", _REOPEN, str(spool)], capture_output=True, check=True, text=True
    )
    took, peak, durable = done.stdout.split()
    return [
        Row("open it again", float(took), "s", goal="<= 5", note=f"{int(durable):,} records"),
        Row("memory of that", float(peak), "MB", goal="<= 200"),
    ]


def _drain(edge: BenchEdge, hub: BenchHub, line: Line) -> list[Row]:
    backlog = edge.spool.durable
    ids, signals = edge.tags(TAGS), plant_signals(TAGS, 1_000_000, 8)
    pending: dict[int, float] = {}
    late: list[float] = []
    edge.uplink.start()
    started = time.perf_counter()
    next_s = started
    before = line.passed
    while edge.uplink.status().position < backlog:
        now = time.perf_counter()
        if now - started > DRAIN_S_MAX:
            raise TimeoutError("not drained")
        if now >= next_s:
            next_s += 1.0
            times = np.full(TAGS, time.time_ns() // 1000)
            pending[edge.put(ids, times, signals.take(1)[0])] = now
        there = edge.uplink.live_position()
        arrived = [one for one in pending if one <= there]
        late += [time.perf_counter() - pending.pop(sequence) for sequence in arrived]
        time.sleep(0.01)
    took = time.perf_counter() - started
    late = sorted(late[10:])
    p99 = late[int(len(late) * 0.99)] if late else None
    sent = (line.passed - before) / 1e6
    rows_there = json.loads(json.dumps(hub.watched.get("/api/status")))["history"]
    return [
        Row("drained over 10 Mbit/s", took / 60, "min", goal=f"<= {60 * SCALE:g}",
            note=f"{sent:.0f} MB on the line, share 0.7; {rows_there['rows']:,} rows filed"),
        Row("new samples meanwhile, late by", p99, "s", goal="<= 5", note=f"p99 of {len(late)}"),
    ]  # fmt: skip
