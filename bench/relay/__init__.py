"""The relay: how much a hub takes over mutual TLS, how soon it says yes, and at what cost."""

from __future__ import annotations

from pathlib import Path

from bench.harness import Row, work_folder
from bench.relay.edge import bench_edge, latencies_ms
from bench.relay.hub import BenchHub, bench_hub, drive

SECONDS = 20.0
MANY = 1_000


def run() -> list[Row]:
    with work_folder() as folder, bench_hub(folder, MANY) as hub:
        # the merging of what was brought in bulk would be counted with the thousand: they go first
        return [*_latency(hub, folder), *_many(hub), *_ingest(hub)]


def _latency(hub: BenchHub, folder: Path) -> list[Row]:
    with bench_edge(folder / "plant", hub) as edge:
        taken = latencies_ms(edge, 150)
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    return [
        Row("sample at the edge to yes at the hub, idle", p99, "ms", goal="<= 250",
            note=f"p99; p50 {p50:.0f} ms; both sides sync"),
    ]  # fmt: skip


def _ingest(hub: BenchHub) -> list[Row]:
    drive(hub, 20, 10_000, 1_000, 0, 3)
    told = drive(hub, 20, 10_000, 1_000, 0, SECONDS)
    rate = told["samples"] / told["seconds"]
    note = (
        f"hub {told['hub_cpu_s'] / told['seconds']:.0%} of a core, edges "
        f"{told['cpu_s'] / told['seconds']:.0%}; {told['bytes'] / told['samples']:.2f} B a sample"
    )
    return [
        Row("durable at the hub, 20 edges, 10,000 a batch", rate, "samples/s",
            goal=">= 1,000,000", note=note),
        Row("yes, the same", told["p50_ms"], "ms", note=f"p99 {told['p99_ms']:.0f} ms"),
        Row("memory of the hub, the highest", hub.watched.rss_max_mb(), "MB"),
    ]  # fmt: skip


def _many(hub: BenchHub) -> list[Row]:
    drive(hub, MANY, 100, 100, 1.0, 10)
    told = drive(hub, MANY, 100, 100, 1.0, 60.0)
    return [
        Row("1,000 edges, 100 samples a second each: hub", told["hub_cpu_s"] / told["seconds"],
            "cores", goal="< 1", note=f"{told['samples'] / told['seconds']:,.0f} samples/s came"),
        Row("yes, the same", told["p50_ms"], "ms", note=f"p99 {told['p99_ms']:.0f} ms"),
    ]  # fmt: skip
