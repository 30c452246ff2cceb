"""Durable in: samples a second that a running plant says yes to over HTTP, and the spool's alone.

The same bodies of line protocol go to VictoriaMetrics and InfluxDB 1.6 on the same machine, round
by round in turn, each with the others at rest; medians are shown. A yes of Lianji and of InfluxDB
means that an fsync was made; that of VictoriaMetrics does not. The sender shares the machine.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

from bench.harness import Row, against, work_folder
from bench.load import post_all
from bench.plant import Watched, lianji_run, wait_for, write_plant
from bench.rivals import influxdb, victoria_metrics
from lianji.dictionary.batch import Batch
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

START_S_MAX = 30.0
ROUNDS = 3
CONNECTIONS = 4
MACHINES = 100
FIELDS = 10
FIRST_US = 1_767_225_600_000_000
LINES_GOAL = ">= 1,000,000"
ARROW_GOAL = ">= 10,000,000"
_NAMES = ("power", "pressure", "flow", "speed", "torque", "level", "temp", "cycle", "mass", "hum")


@dataclass(slots=True)
class Clock:
    """Times that no body before has had, so that every sample is a new one."""

    step: int = 0

    def next(self) -> int:
        """Microseconds since 1970, a second later each time."""
        self.step += 1
        return FIRST_US + self.step * 1_000_000


def lines_body(samples: int, clock: Clock, values: list[str]) -> bytes:
    """Ten fields a line, of 100 machines in turn, two decimals."""
    lines, picked = [], iter(values * (samples // len(values) + 1))
    for line in range(samples // FIELDS):
        if line % MACHINES == 0:
            time_ns = clock.next() * 1000
        fields = ",".join([f"{name}={next(picked)}" for name in _NAMES])
        lines.append(f"plant,machine=m{line % MACHINES:03d} {fields} {time_ns}\n")
    return "".join(lines).encode()


def arrow_body(samples: int, clock: Clock, draw: np.random.Generator) -> bytes:
    """The same thousand tags, second by second, not compressed."""
    tags = MACHINES * FIELDS
    seconds = -(-samples // tags)
    first = clock.next()
    clock.step += seconds
    times = np.repeat(first + np.arange(seconds) * 1_000_000, tags)[:samples]
    codes = np.tile(np.arange(tags, dtype=np.int32), seconds)[:samples]
    names = [f"plant/m{tag // FIELDS:03d}/{_NAMES[tag % FIELDS]}" for tag in range(tags)]
    tag = pa.DictionaryArray.from_arrays(pa.array(codes), names)
    value = pa.array(draw.uniform(0, 100, samples).round(2))
    batch = pa.record_batch([tag, pa.array(times).view(pa.timestamp("us", "UTC")), value],
                            names=["tag", "time", "value"])  # fmt: skip
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def run() -> list[Row]:
    with ExitStack() as stack:
        folders = [stack.enter_context(work_folder()) for _ in range(3)]
        write_plant(folders[0], [], 0)
        ours = stack.enter_context(lianji_run(folders[0]))
        victoria = stack.enter_context(victoria_metrics(folders[1]))
        influx = stack.enter_context(influxdb(folders[2]))
        wait_for(lambda: ours.get("/api/status"), START_S_MAX, "the page")
        rows = []
        for samples in (100_000, 10_000):
            rows += _lines_rows(samples, ours, victoria, influx)
        rows += [_arrow_row(samples, ours) for samples in (100_000, 10_000)]
        rows.append(Row("memory of the plant, the highest", ours.rss_max_mb(), "MB"))
    return [*rows, *_spool_rows()]


def _lines_rows(samples: int, ours: Watched, victoria: Watched, influx: Watched) -> list[Row]:
    """Rounds of two million samples; the rivals' bodies are ours, byte for byte."""
    targets = {
        "lianji": (ours, "/api/v2/write"),
        "victoria-metrics": (victoria, "/write"),
        "influxdb 1.6": (influx, "/write?db=bench"),
    }
    draw = np.random.default_rng(samples)
    values = [f"{value:.2f}" for value in draw.uniform(0, 100, 99_991)]
    clock = Clock(samples)
    bodies = 2_000_000 // samples
    rates: dict[str, list[float]] = {name: [] for name in targets}
    cpu: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(ROUNDS + 1):
        sent = [lines_body(samples, clock, values) for _ in range(bodies)]
        for name, (target, path) in targets.items():
            for watched, _ in targets.values():
                watched.settle()
            used = target.cpu_s()
            rates[name].append(bodies * samples / post_all(target.port, path, sent, CONNECTIONS))
            cpu[name].append((target.cpu_s() - used) / (bodies * samples) * 1e9)
    best = {name: median(of_one[1:]) for name, of_one in rates.items()}
    cost = {
        name: f"{median(of_one[1:]):.0f} ns of processor a sample" for name, of_one in cpu.items()
    }
    measure = f"line protocol, bodies of {samples:,}"
    return [
        against(
            measure,
            best["lianji"],
            "samples/s",
            rival,
            best[rival],
            LINES_GOAL,
            f"{cost['lianji']}; rival {cost[rival]}",
        )
        for rival in ("victoria-metrics", "influxdb 1.6")
    ]


def _arrow_row(samples: int, ours: Watched) -> Row:
    draw = np.random.default_rng(samples)
    clock = Clock(10_000_000 + samples)
    bodies = 5_000_000 // samples
    rates, cost = [], []
    for _ in range(ROUNDS + 1):
        sent = [arrow_body(samples, clock, draw) for _ in range(bodies)]
        ours.settle()
        used = ours.cpu_s()
        elapsed = post_all(ours.port, "/api/push/arrow", sent, CONNECTIONS)
        rates.append(bodies * samples / elapsed)
        cost.append((ours.cpu_s() - used) / (bodies * samples) * 1e9)
    note = f"{median(cost[1:]):.0f} ns of processor a sample"
    measure = f"Arrow IPC, bodies of {samples:,}"
    return Row(measure, median(rates[1:]), "samples/s", goal=ARROW_GOAL, note=note)


def _spool_rows() -> list[Row]:
    """The spool without HTTP: batches of 100,000, as many ahead as it takes."""
    draw = np.random.default_rng(5)
    batches = [_batch(100_000, number, draw) for number in range(50)]
    return [
        _spool_row("spool alone, batches of 100,000", batches, {}),
        _spool_row("spool alone, an fsync each", batches, {"commit_bytes": 1}),
    ]


def _batch(samples: int, number: int, draw: np.random.Generator) -> Batch:
    tags = np.arange(samples, dtype=np.int32) % 1000
    times = FIRST_US + (number * samples + np.arange(samples)) // 1000 * 1_000_000
    return Batch.of(tags, times, draw.uniform(0, 100, samples).round(2))


def _spool_row(measure: str, batches: list[Batch], settings: dict[str, int]) -> Row:
    rates = []
    used = 0
    for _ in range(ROUNDS):
        with work_folder() as folder:
            elapsed, used = _spooled(folder, batches, SpoolSettings.model_validate(settings))
        rates.append(sum(map(len, batches)) / elapsed)
    note = f"{used / sum(map(len, batches)):.2f} bytes a sample"
    return Row(measure, median(rates), "samples/s", goal=ARROW_GOAL, note=note)


def _spooled(folder: Path, batches: list[Batch], settings: SpoolSettings) -> tuple[float, int]:
    with Spool(folder / "spool", settings) as spool:
        started = time.perf_counter()
        for answer in [spool.put(batch) for batch in batches]:
            answer.result(60)
        return time.perf_counter() - started, spool.status().bytes
