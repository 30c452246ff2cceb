"""A queue over a real database, with a real runner and real processes, looked at by a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lianji.base.state import State, url_of
from lianji.learn.jobs.folder import JobFolder
from lianji.learn.jobs.job import JobRow, Wanted
from lianji.learn.jobs.local import LocalLauncher
from lianji.learn.jobs.runner import Runner
from lianji.learn.jobs.settings import JobsSettings
from lianji.learn.jobs.store import JobStore
from tests.learn.jobs import functions
from tests.peers import wait_until


class Queue:
    def __init__(self, plant: Path, state: State, settings: JobsSettings) -> None:
        self.plant, self.settings = plant, settings
        (plant / "training").mkdir(parents=True, exist_ok=True)
        shutil.copy(functions.__file__, plant / "training" / "tried.py")
        self.store = JobStore(state)
        self.runner = self.new_runner()

    def new_runner(self) -> Runner:
        self.runner = Runner(self.store, LocalLauncher(), self.settings, self.plant)
        return self.runner

    def submit(self, function: str, **more: Any) -> str:
        fields = {"memory_mb": 200} | {
            name: more.pop(name)
            for name in ("priority", "tenant", "cpus", "memory_mb", "device")
            if name in more
        }
        wanted = Wanted(function=f"tried:{function}", arguments=more, **fields)
        return self.store.submit(wanted, "somebody").id

    def row(self, id: str) -> JobRow:
        return self.store.found(id)

    def folder(self, id: str) -> JobFolder:
        return JobFolder(self.plant / "data" / "jobs" / id)

    def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Let the runner work until something is so."""

        def holds() -> bool:
            self.runner.tick()
            return condition()

        wait_until(
            holds, 90, what or f"{[(r.id, r.state, r.reason_en) for r in self.store.listed()]}"
        )

    def further(self, steps: int) -> None:
        """Where ``functions.train`` tells of itself, counted from where it starts next."""
        (self.plant / "further").write_text(str(steps))

    def until_reached(self, id: str) -> None:
        told = self.folder(id).path / "reached"
        self.until(told.exists)
        told.unlink()

    def until_ended(self, *ids: str) -> list[JobRow]:
        self.until(lambda: not any(self.row(id).is_open for id in ids))
        return [self.row(id) for id in ids]

    def until_running(self, id: str) -> JobRow:
        """It runs and has said something."""
        self.until(lambda: self.row(id).state == "running" and self.row(id).done > 0)
        return self.row(id)


@contextmanager
def queue(plant: Path, **settings: Any) -> Iterator[Queue]:
    state = State(url_of(plant))
    made = Queue(
        plant, state, JobsSettings(**{"cpus": 1, "memory_mb": 2000, "nice": 0, **settings})
    )
    try:
        yield made
    finally:
        made.runner.close()
        state.close()
