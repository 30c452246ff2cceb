"""In: how fast, with how much memory, to how few bytes. Each system in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.harness import Row, work_folder
from bench.historian.feed import read_feed, write_feed
from bench.historian.open import OURS
from bench.historian.rows import more, quicker
from bench.historian.scale import TAGS, scaled
from bench.mixes import SECOND_US, START_US, Mix, path_of
from bench.plant import Watched
from lianji.base.heap import choose_arrow_pool

SAMPLES = scaled(20_000_000, 500_000)
DURABLE_SAMPLES = scaled(10_000_000, 500_000)
ROUNDS = 3
LESS = {"influx": scaled(4_000_000, 500_000), "victoria-lines": scaled(4_000_000, 500_000)}
"""Of the slow ones fewer samples: their rate is the same."""
RIVALS = ("victoria", "victoria-lines", "influx", "chdb", "duckdb")
BYTES_GOAL = {"iot": "1.1", "plant": "0.9"}
CHILD_S_MAX = 900.0
FILES, FILES_A_COMMIT = scaled(1000, 100), 10


def child(*arguments: object) -> tuple[dict[str, Any], float]:
    """What a piece of work told, and the highest memory of it and its children, in MB.

    Raises RuntimeError with what it said last where it failed.
    """
    command = [sys.executable, "-m", "bench.historian.child", *map(str, arguments)]
    choose_arrow_pool()  # the children, as a running plant does
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        watched, memory_mb = Watched(process, 0), 0.0
        deadline = time.monotonic() + CHILD_S_MAX
        while True:
            try:
                told, complaint = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                memory_mb = max(memory_mb, watched.rss_max_mb())
                if time.monotonic() > deadline:
                    process.kill()
                    raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[3:5])}: {complaint.decode()[-500:]}")
    return json.loads(told.splitlines()[-1]), memory_mb


def durable_rows() -> list[Row]:
    """Rounds in turn, each on a fresh folder; medians."""
    mix = Mix("plant", TAGS, SECOND_US, -(-DURABLE_SAMPLES // TAGS))
    names = ("spool", OURS, "chdb", "duckdb")
    rates: dict[str, list[float]] = {name: [] for name in names}
    told: dict[str, str] = {}
    with work_folder() as place:
        sent = write_feed(mix, place / "feed")
        for _ in range(ROUNDS):
            for name in names:
                with work_folder() as folder:
                    got, _ = child("durable", name, folder, place / "feed", TAGS, sent)
                rates[name].append(sent / got["elapsed_s"])
                told[name] = got["name"]
    best = {name: median(of_one) for name, of_one in rates.items()}
    return [
        more(
            f"durable yes, batches of 100,000, {what}",
            best[ours],
            "samples/s",
            "20,000,000",
            told[rival],
            best[rival],
            f"{sent / 1e6:.1f} M samples; every yes is synced, the rival's too",
        )
        for ours, what in (("spool", "spool alone"), (OURS, "historian running"))
        for rival in ("chdb", "duckdb")
    ]


def ingest_rows() -> list[Row]:
    return [row for kind in ("plant", "iot") for row in _of_mix(kind)]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one system made of a feed. A system that lost or invented rows has no figures."""

    name: str
    yes: str
    note: str
    samples: int
    elapsed_s: float
    settle_s: float
    memory_mb: float
    bytes: dict[str, int]
    rows: int | None
    drops_repeated: bool
    rows_due: int
    family_mb: float
    """With children, where it has some: the sum of what each was at its highest."""

    @property
    def wrong(self) -> str:
        if self.rows in (None, self.rows_due):
            return ""
        return f"WRONG: {self.rows:,} rows instead of {self.rows_due:,}"

    @property
    def rate(self) -> float | None:
        return None if self.wrong else self.samples / self.elapsed_s

    @property
    def memory(self) -> float | None:
        return None if self.wrong else max(self.memory_mb, self.family_mb)

    @property
    def size(self) -> float | None:
        return None if self.wrong else self.bytes["samples"] / self.samples

    def told(self) -> str:
        repeated = "dropped" if self.drops_repeated else "kept"
        return (
            f"{self.name}: {self.wrong} {self.samples / 1e6:.1f} M samples, {self.yes}, repeated "
            f"ones {repeated}, {self.note}, at rest {self.settle_s:.0f} s later"
        )


def _of_mix(kind: str) -> list[Row]:
    mix = Mix(kind, TAGS, SECOND_US, -(-SAMPLES // TAGS))
    with work_folder() as place:
        feed = place / "feed"
        sent = write_feed(mix, feed)
        different = _distinct(feed)
        ours = _ingested(OURS, feed, sent, different)
        rows = []
        for name in RIVALS:
            rival = _ingested(name, feed, LESS.get(name, sent), different)
            rows += _rows(kind, ours, rival)
    return [*rows, *_apart_rows(kind, ours)]


def _ingested(name: str, feed: Path, samples: int, different: int) -> Ingested:
    with work_folder() as folder:
        told, family_mb = child("ingest", name, folder, feed, TAGS, samples)
    rows_due = different if told["drops_repeated"] else told["samples"]
    return Ingested(**told, rows_due=rows_due, family_mb=family_mb if name == OURS else 0.0)


def _distinct(feed: Path) -> int:
    """How many different keys a feed has: what is repeated is one row."""
    keys = [
        block.tag.astype(np.int64) << 40 | (block.time_us - START_US) // 1000
        for block in read_feed(feed)
    ]
    return len(np.unique(np.concatenate(keys)))


def _rows(kind: str, ours: Ingested, rival: Ingested) -> list[Row]:
    both = f"{ours.told()}; {rival.told()}"
    whose = (
        "of the process that does it; Lianji's with the children that merge, until at rest; "
        f"{ours.memory_mb:.0f} MB alone until all is in files"
    )
    return [
        more(f"sustained, all in files, {kind} mix", ours.rate, "samples/s", "4,000,000 and 3 x",
             rival.name, rival.rate, both),
        quicker(f"highest memory of that, {kind} mix", ours.memory, "MB", "< 500",
                rival.name, rival.memory, whose),
        quicker(f"bytes a sample at rest, {kind} mix", ours.size, "B", BYTES_GOAL[kind],
                rival.name, rival.size, "all files of the table and its log"),
    ]  # fmt: skip


def _apart_rows(kind: str, ours: Ingested) -> list[Row]:
    """What else Lianji keeps beside the samples."""
    return [
        Row(f"bytes a sample, {kind} mix: {what}", size / ours.samples, "B")
        for what, size in ours.bytes.items()
        if what != "samples"
    ]


def reopen_rows() -> list[Row]:
    """Three cold processes; the files lie in the page cache, as after a restart of the program."""
    with work_folder() as folder:
        commits = -(-FILES // FILES_A_COMMIT)
        child("make-files", folder, 1000, commits, FILES_A_COMMIT)
        told = [child("reopen", folder, path_of(7))[0] for _ in range(ROUNDS)]
    took = sorted(told, key=lambda one: float(one["elapsed_s"]))[ROUNDS // 2]
    wrong = "" if all(one["rows"] == 1 for one in told) else "WRONG: no last value; "
    note = f"{wrong}{took['opened_s'] * 1000:.0f} ms of it to open; of {commits} commits"
    measure = f"reopen a history of {took['files']:,} files, to the first last value"
    return [Row(measure, None if wrong else took["elapsed_s"], "s", goal="1", note=note)]
