"""What a queue of jobs costs: giving way and going on with 1 GiB of state, planning, progress.

The training changes all of its state in every step and saves only when it is asked to give way, so
what is timed is a whole save, the end of its process, the job of higher priority, a new process,
and a verified restore.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from statistics import median

from bench.harness import Row, work_folder
from lianji.base.clock import now_us
from lianji.base.state import State, url_of
from lianji.learn.jobs.context import JobContext, Preempted
from lianji.learn.jobs.folder import JobFolder, Task
from lianji.learn.jobs.job import JobRow, Wanted
from lianji.learn.jobs.local import LocalLauncher
from lianji.learn.jobs.plan import Planned, plan
from lianji.learn.jobs.room import Machine, Need, Tenant
from lianji.learn.jobs.runner import Runner
from lianji.learn.jobs.settings import JobsSettings
from lianji.learn.jobs.store import JobStore

STATE_BYTES = int(os.environ.get("LIANJI_BENCH_STATE_MIB", "1024")) << 20
PARTS = 64
ROUNDS = int(os.environ.get("LIANJI_BENCH_ROUNDS", "5"))
QUEUED = 10_000
TOLD = 100_000


def run() -> list[Row]:
    with work_folder() as folder:
        rows = _gave_way(folder)
        return [*rows, _planned(), _progress(folder)]


def train(context: JobContext) -> None:
    """In a process of its own. Each step is written down before it counts."""
    import numpy as np

    parts = [np.zeros(STATE_BYTES // PARTS // 8) for _ in range(PARTS)]
    state = {f"part{number}": part for number, part in enumerate(parts)}
    with context.checkpoints(keep=1) as checkpoints, (context.folder / "steps").open("a") as steps:
        step = checkpoints.restore(into=state)[1] if checkpoints.names() else 0
        while True:
            for part in parts:
                part += 1
            step += 1
            print(step, time.time_ns(), file=steps, flush=True)
            if context.stopping.is_set():
                checkpoints.save(state, step).wait()
                raise Preempted


def nothing(context: JobContext) -> None:
    """The job of higher priority."""


class _Queue:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "training").mkdir(parents=True)
        shutil.copy(__file__, folder / "training" / "bench_job.py")
        self.state = State(url_of(folder))
        self.store = JobStore(self.state)
        settings = JobsSettings(cpus=1, memory_mb=1_000_000, grace_s=120)
        self.runner = Runner(self.store, LocalLauncher(), settings, folder)

    def submit(self, function: str, priority: int = 0) -> str:
        wanted = Wanted(function=f"bench_job:{function}", priority=priority, memory_mb=100_000)
        return self.store.submit(wanted, "bench").id

    def until_steps(self, id: str, after: int) -> list[tuple[int, int]]:
        """The job's steps (number, time in ns), once there are more than so many."""
        while len(found := self._steps(id)) <= after:
            self.runner.tick()
            time.sleep(0.01)
        return found

    def until_ended(self, id: str) -> JobRow:
        while (row := self.store.found(id)).is_open:
            self.runner.tick()
            time.sleep(0.01)
        return row

    def _steps(self, id: str) -> list[tuple[int, int]]:
        path = self.folder / "data" / "jobs" / id / "steps"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(step), int(ns)) for step, ns in (line.split() for line in lines)]


def _gave_way(folder: Path) -> list[Row]:
    queue = _Queue(folder / "plant")
    away_s, lost, started_s = [], [], []
    try:
        id = queue.submit("train")
        steps = queue.until_steps(id, 2)
        for _ in range(ROUNDS):
            high = queue.submit("nothing", priority=1)
            row = queue.until_ended(high)
            assert row.started_us is not None and row.ended_us is not None
            started_s.append((row.started_us - row.created_us) / 1e6)
            before = len(steps)
            while not (late := [one for one in steps if one[1] // 1000 > row.ended_us]):
                steps = queue.until_steps(id, before)
                before = len(steps)
            last = next(one for one in reversed(steps) if one[1] // 1000 <= row.ended_us)
            away_s.append((late[0][1] - last[1]) / 1e9)
            lost.append(last[0] + 1 - late[0][0])
    finally:
        queue.runner.close()
        queue.state.close()
    size = f"{STATE_BYTES >> 20} MiB"
    return [
        Row(f"preempted to running again, {size}", median(away_s), "s", goal="<= 5",
            note=f"the slowest {max(away_s):.2f}; another job ran between"),
        Row("steps lost by it", float(max(lost)), "", goal="<= 1"),
        Row(f"higher priority to its start, {size} saved first", median(started_s), "s"),
    ]  # fmt: skip


def _planned() -> Row:
    machine = Machine(16, 64_000)
    tenants = {str(number): Tenant(str(number), used_s=number) for number in range(20)}
    jobs = [Planned(Need(str(n), str(n % 20), 1 + n % 3, 100), n % 7, 0) for n in range(QUEUED)]
    took_ms = []
    for _ in range(5):
        started = time.perf_counter()
        plan(jobs, tenants, machine, now_us())
        took_ms.append((time.perf_counter() - started) * 1e3)
    return Row(f"plan of {QUEUED:,} queued jobs", median(took_ms), "ms")


def _progress(folder: Path) -> Row:
    job = JobFolder(folder / "told")
    job.prepare(Task("0", "x", "x:x", {}, str(folder)))
    context = JobContext(job, job.task())
    started = time.perf_counter()
    for step in range(TOLD):
        context.progress(step, TOLD, loss=0.5, other=1.5)
    took = time.perf_counter() - started
    return Row("progress() with two metrics", took / TOLD * 1e6, "us", note="a call")
