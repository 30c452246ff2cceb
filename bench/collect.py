"""A plant at full speed: float32 tags of ten Modbus connections, to fsynced spool and Delta table.

One libmodbus server (C) whose floats all change between two readings, so that the deadband passes
every one; a real ``lianji run``, watched from outside. Processor and memory are the whole
process's over whole flushes. What was stored is counted in the table, by DuckDB, in whole seconds
within the window: a sample that was read and did not get there is seen.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from bench.harness import Row, work_folder
from bench.plant import Watched, lianji_run, path_of, wait_for, write_plant
from tests.peers.modbus import libmodbus_server

DEVICES = 10
TAGS_EACH = 10_000
WARM_UP_S = 25.0
WINDOW_S = float(os.environ.get("LIANJI_BENCH_WINDOW_S", "40"))
FIRST_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """One load: how often each tag is read, and how many requests a connection has on the way."""

    name: str
    interval_ms: int
    in_flight: int
    cpu_goal: str = ""
    memory_goal: str = ""

    @property
    def expected_per_s(self) -> float:
        return DEVICES * TAGS_EACH * 1000 / self.interval_ms


LOADS = (
    Load("100,000/s", 1000, 8, "<= 15 %", "<= 250 MB"),
    Load("100,000/s, 1 in flight", 1000, 1),
    Load("1,000,000/s", 100, 8),
)


def run() -> list[Row]:
    return [row for load in LOADS for row in _measured(load)]


def _measured(load: Load) -> list[Row]:
    """The server's floats change five times an interval, never with its readings."""
    with work_folder() as folder, libmodbus_server(None, "update", load.interval_ms // 5) as port:
        device = f"interval_ms = {load.interval_ms}\nin_flight = {load.in_flight}\n"
        write_plant(folder, [port] * DEVICES, TAGS_EACH, device)
        with lianji_run(folder) as plant:
            wait_for(lambda: plant.last(path_of(0, 0)), FIRST_S_MAX, "the first sample")
            time.sleep(WARM_UP_S)
            cpu_s, since_us, since = plant.cpu_s(), _now_us(), time.monotonic()
            time.sleep(WINDOW_S)
            share = (plant.cpu_s() - cpu_s) / (time.monotonic() - since)
            until_us = _now_us()
            memory_mb = plant.rss_max_mb()
            served_ms = _stage_ms(plant)
            started = time.monotonic()
            plant.end()
            ended_s = time.monotonic() - started
        stored = _stored_per_s(folder / "data" / "samples", since_us, until_us)
    told = ", ".join(f"{stage} {ms:.1f}" for stage, ms in served_ms.items())
    expected = load.expected_per_s
    return [
        Row(
            f"{load.name}: processor",
            share * 100,
            "% of a core",
            goal=load.cpu_goal,
            note=f"{share / stored * 1e9:.0f} ns a sample",
        ),
        Row(f"{load.name}: memory, the highest", memory_mb, "MB", goal=load.memory_goal),
        Row(
            f"{load.name}: stored",
            stored,
            "samples/s",
            goal=f"{expected:,.0f}",
            note=f"{stored / expected:.1%} of what was due",
        ),
        Row(f"{load.name}: SIGTERM to end", ended_s, "s", goal="< 3 s", note=f"p50 ms: {told}"),
    ]


def _stage_ms(plant: Watched) -> dict[str, float]:
    status = plant.get("/api/status") or {"stages": []}
    return {stage["stage"]: stage["served_p50_us"] / 1000 for stage in status["stages"]}


def _now_us() -> int:
    return time.time_ns() // 1000


def _stored_per_s(table: Path, since_us: int, until_us: int) -> float:
    """Samples with a good value a second of whole seconds between two times."""
    first, end = -(-since_us // 1_000_000), until_us // 1_000_000
    files = DeltaTable(table).file_uris()
    [(count,)] = duckdb.execute(
        "select count(*) from read_parquet(?) where quality = 0 and value is not null "
        "and epoch_us(time) >= ? and epoch_us(time) < ?",
        [files, first * 1_000_000, end * 1_000_000],
    ).fetchall()
    return int(count) / (end - first)
