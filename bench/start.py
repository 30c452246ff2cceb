"""From ``lianji run`` to the first sample on the page, and what ten thousand quiet tags hold.

The server is libmodbus's, whose registers stand still here. Times run from the start of the
process to the answer of ``/api/read`` that holds a new sample, asked every 10 ms.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from statistics import median

from bench.harness import Row, work_folder
from bench.plant import Watched, lianji_run, path_of, wait_for, write_plant
from tests.peers import free_port
from tests.peers.modbus import libmodbus_server

STARTS = 5
IDLE_S = 75.0
"""Longer than one heartbeat and one flush."""
FIRST_S_MAX = 60.0


def run() -> list[Row]:
    rows = []
    with libmodbus_server() as port, work_folder() as folder:
        rows += _start_rows("100 tags", folder / "small", [port], 100)
        rows += _start_rows("10,000 tags, 10 devices", folder / "large", [port] * 10, 1000)
        rows += _idle_rows("10,000 quiet tags", folder / "quiet", [port] * 10, 1000)
        nobody = free_port()
        rows += _idle_rows("10,000 tags, no answer", folder / "dead", [nobody] * 10, 1000)
        rows += _idle_rows("no tag at all", folder / "empty", [], 0, seconds=5)
    return rows


def _start_rows(what: str, folder: Path, ports: list[int], tags_each: int) -> list[Row]:
    write_plant(folder, ports, tags_each)
    fresh, again = [], []
    for _ in range(STARTS):
        shutil.rmtree(folder / "data", ignore_errors=True)
        fresh.append(_first_sample_s(folder))
        again.append(_first_sample_s(folder))
    return [
        _start_row(f"start to first sample, {what}, new plant", fresh),
        _start_row(f"start to first sample, {what}, restart", again),
    ]


def _start_row(measure: str, starts: list[tuple[float, float]]) -> Row:
    note = f"{median(cpu_s for _, cpu_s in starts):.2f} s of processor"
    return Row(measure, median(elapsed_s for elapsed_s, _ in starts), "s", goal="< 3 s", note=note)


def _first_sample_s(folder: Path) -> tuple[float, float]:
    """Seconds to the first sample, and of processor time until then.

    On a restart what history holds is not news: only a sample newer than the start counts.
    """
    started_us = time.time_ns() // 1000
    started = time.monotonic()
    with lianji_run(folder) as plant:
        wait_for(lambda: _is_news(plant, started_us), FIRST_S_MAX, "a sample on the page")
        return time.monotonic() - started, plant.cpu_s()


def _is_news(plant: Watched, since_us: int) -> bool:
    sample = plant.get(f"/api/read?tags={path_of(0, 1)}&start={since_us}&end=now&format=json")
    return bool(sample and sample["rows"])


def _idle_rows(
    what: str, folder: Path, ports: list[int], tags_each: int, seconds: float = IDLE_S
) -> list[Row]:
    write_plant(folder, ports, tags_each)
    with lianji_run(folder) as plant:
        wait_for(lambda: plant.get("/api/status"), FIRST_S_MAX, "the page")
        time.sleep(seconds / 2)
        cpu_s, since = plant.cpu_s(), time.monotonic()
        time.sleep(seconds / 2)
        share = (plant.cpu_s() - cpu_s) / (time.monotonic() - since)
        return [
            Row(f"memory, {what}", plant.rss_mb(), "MB", goal="< 150 MB" if ports else ""),
            Row(f"memory, {what}, the highest", plant.rss_max_mb(), "MB"),
            Row(f"processor, {what}", share * 100, "% of a core"),
        ]
