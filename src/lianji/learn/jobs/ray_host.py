"""What stands beside a job on a node of a Ray cluster: starts its process there as the plant
would on its own machine, and passes on what the plant asks and what becomes of it.

It outlives the plant for ``ORPHAN_S``, so that one that is started anew finds its jobs running;
then it asks the job to save and end, and goes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from lianji.base.errors import LianjiError, Text
from lianji.learn.jobs import ray_faults
from lianji.learn.jobs.launcher import Job, Usage
from lianji.learn.jobs.local import LocalLauncher, LocalRunning

ORPHAN_S = 120.0
_WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """How a job is, as its host sees it. ``reason``: why it could not be started."""

    code: int | None = None
    usage: Usage = field(default_factory=Usage)
    node: str = ""
    """Ray's id of the node, and the name of the machine."""
    reason: Text | None = None


class RayHost:
    """The actor. Its methods are called in their order, one at a time."""

    def __init__(self, orphan_s: float = ORPHAN_S) -> None:
        self._orphan_s = orphan_s
        self._grace_s = 0.0
        self._running: LocalRunning | None = None
        self._failed: Seen | None = None
        self._lock = threading.Lock()
        self._looked_s = time.monotonic()
        self._node = f"{_node_id()} {socket.gethostname()}"

    def begin(self, job: Job, folder: str) -> None:
        """Start the job's process. What keeps it from that is told by ``look``."""
        self._grace_s = job.grace_s
        try:
            if not (Path(folder) / "job.json").is_file():
                raise ray_faults.folder_unseen(folder, socket.gethostname())
            self._running = LocalLauncher().start(job, Path(folder))
        except LianjiError as error:
            said = Text(f"{error.cause.en} {error.remedy.en}", f"{error.cause.zh}{error.remedy.zh}")
            self._failed = Seen(1, node=self._node, reason=said)
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> Seen:
        self._looked_s = time.monotonic()
        if self._failed is not None:
            return self._failed
        if self._running is None:
            return Seen()
        with self._lock:
            code = self._running.poll()
            return Seen(code, self._running.usage(), self._node)

    def terminate(self) -> None:
        if self._running is not None:
            with self._lock:
                self._running.terminate()

    def kill(self) -> None:
        if self._running is not None:
            with self._lock:
                self._running.kill()

    def _watch(self) -> None:
        while time.monotonic() - self._looked_s < self._orphan_s:
            time.sleep(_WATCH_S)
        self.terminate()
        last_s = time.monotonic() + self._grace_s
        while time.monotonic() < last_s and self.look().code is None:
            time.sleep(_WATCH_S)
        self.kill()
        os._exit(0)


def _node_id() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())
