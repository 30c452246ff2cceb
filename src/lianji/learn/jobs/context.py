"""What a job's function is given, and how it says that it gave way.

def run(context: JobContext) -> None:
    state = {"weights": np.zeros(9), "rng": Randomness()}
    with context.checkpoints() as checkpoints:
        step = checkpoints.restore(into=state)[1] if checkpoints.names() else 0
        while step < context.arguments["steps"]:
            ...
            step += 1
            context.progress(step, context.arguments["steps"], loss=loss)
            if context.stopping.is_set():
                checkpoints.save(state, step).wait()
                raise Preempted
"""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianji.base.clock import now_us
from lianji.learn.jobs.folder import JobFolder, Progress, Task

if TYPE_CHECKING:
    from lianji.learn.checkpoint import Checkpointer

PROGRESS_S = 0.5


class Preempted(Exception):
    """Raise it where ``stopping`` is set and the state is saved: the job runs again later."""


class JobContext:
    """One run of a job, from inside. Safe for many threads."""

    def __init__(self, folder: JobFolder, task: Task) -> None:
        self._folder = folder
        self._task = task
        self._lock = threading.Lock()
        self._told_s = -math.inf
        self._untold: Progress | None = None
        self.stopping = threading.Event()
        """Set when the job is to save its state and raise Preempted."""
        self.log = logging.getLogger("lianji.job")
        """What it writes is in ``lianji job logs`` and on the page, as is what is printed."""

    @property
    def id(self) -> str:
        return self._task.id

    @property
    def name(self) -> str:
        return self._task.name

    @property
    def arguments(self) -> dict[str, Any]:
        return self._task.arguments

    @property
    def folder(self) -> Path:
        """The job's own, the same in each of its runs."""
        return self._folder.path

    @property
    def plant(self) -> Path:
        """The folder of the plant whose job this is."""
        return Path(self._task.plant)

    @property
    def device(self) -> str:
        """The label that it asked for."""
        return self._task.device

    @property
    def attempt(self) -> int:
        """1 in the first run."""
        return self._task.attempt

    def checkpoints(self, **options: Any) -> Checkpointer:
        """The job's checkpoints, which are those of its earlier runs too. ``options`` are those
        of Checkpointer."""
        from lianji.learn.checkpoint import Checkpointer

        return Checkpointer(self._folder.checkpoints, **options)

    def progress(self, done: float, of: float = 0.0, **metrics: float) -> None:
        """Say how far it is; ``of`` is 0 where nobody knows.

        It costs nothing to call it at each step: at most two a second are written, and the last
        one is. What is written survives that the job is killed.
        """
        kept = {key: float(value) for key, value in metrics.items() if math.isfinite(value)}
        told = Progress(float(done), float(of), kept, now_us())
        with self._lock:
            self._untold = told
            if time.monotonic() - self._told_s >= PROGRESS_S or done == of:
                self._tell()

    def flush(self) -> None:
        """Write the last progress, if it is not written yet."""
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        if self._untold is not None:
            with suppress(OSError):  # a full disk is no reason to end a training
                self._folder.tell_progress(self._untold)
            self._untold = None
            self._told_s = time.monotonic()
