"""What starts a job somewhere and watches it: a process of this machine, or a cluster.

Wherever it runs, a job is ``python -m lianji.learn.jobs.child <folder>`` in a process group of its
own, and all that passes between it and the runner lies in its folder, which both can see:

    job.json        what to run; written by the runner before ``start`` (``folder.Task``)
    progress.json   how far it is; written by the job, replaced as a whole
    outcome.json    how this run ended and why; absent where it was killed
    log.txt         stdout and stderr, appended to by every run
    checkpoints/    the job's own

SIGTERM asks it to save and end with ``PREEMPTED``. The runner kills one that does not, so neither
``terminate`` nor ``kill`` waits for anything, and both are quiet about a job that has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

DONE = 0
PREEMPTED = 75
"""Saved its state and wants to run again (EX_TEMPFAIL)."""
LOST = 1000
"""Where it ran is gone (a node of a cluster): nobody's fault, run it again. No process ends so."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a launcher must know of a job to start it."""

    id: str
    name: str
    cpus: float = 1.0
    memory_mb: int = 1024
    device: str = "cpu"
    """The label of what it computes on: cpu, cuda, npu."""
    grace_s: float = 30.0
    """How long it may take to save and end before it is killed."""
    environment: dict[str, str] = field(default_factory=dict)
    """Added to that of the process."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one run of a job, all its processes together."""

    cpu_s: float = 0.0
    memory_bytes: int = 0
    """Now."""
    memory_peak_bytes: int = 0


class Running(Protocol):
    """One run of a job. Nothing here blocks for long; all of it is asked from one thread."""

    @property
    def handle(self) -> str:
        """What finds it again after the plant was started anew; kept in the job's row."""
        ...

    def poll(self) -> int | None:
        """None while it runs, then its exit code for ever: DONE, PREEMPTED, LOST, that of a
        failure, or minus the number of the signal that killed it."""
        ...

    def terminate(self) -> None:
        """SIGTERM to the job's first process."""
        ...

    def kill(self) -> None:
        """SIGKILL to all its processes."""
        ...

    def usage(self) -> Usage: ...


class Launcher(Protocol):
    def start(self, job: Job, folder: Path) -> Running:
        """Raises LianjiError where it cannot be started, and has left nothing running then."""
        ...

    def found(self, job: Job, folder: Path, handle: str) -> Running | None:
        """The run that an earlier process of this plant started, if anything of it is still
        there; None where it is gone."""
        ...

    def close(self) -> None:
        """Let go of whatever it holds. What runs is not its business any more."""
        ...
