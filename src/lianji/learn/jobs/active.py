"""One run of a job, as the runner holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lianji.base.clock import monotonic_s
from lianji.learn.jobs.ending import Asked
from lianji.learn.jobs.folder import JobFolder
from lianji.learn.jobs.job import JobRow
from lianji.learn.jobs.launcher import Running, Usage
from lianji.learn.jobs.plan import Planned


@dataclass
class Active:
    row: JobRow
    running: Running
    folder: JobFolder
    cpu_before_s: float
    """Of the job's earlier runs."""
    asked: Asked = ""
    asked_s: float = 0.0
    charged_s: float = field(default_factory=monotonic_s)
    """Up to when its tenant was charged."""
    told: dict[str, Any] = field(default_factory=dict)
    """What its row was told last."""

    def ask(self, why: Asked) -> None:
        """To save its state and end."""
        if not self.asked:
            self.asked_s = monotonic_s()
            self.running.terminate()
        self.asked = why

    def watch(self, grace_s: float) -> int | None:
        """Its exit code once it has ended. One that takes more memory than it may, or more time
        to end, is killed."""
        code = self.running.poll()
        if code is not None:
            return code
        if self.running.usage().memory_bytes > self.row.memory_mb * 2**20:
            self.asked, self.asked_s = "memory", monotonic_s()
            self.running.kill()
        elif self.asked and monotonic_s() - self.asked_s > grace_s:
            self.running.kill()
        return None

    @property
    def planned(self) -> Planned:
        row = self.row
        return Planned(
            row.need, row.priority, row.since_us, row.waited_us, row.level or 0, bool(self.asked)
        )

    def changed(self) -> dict[str, Any]:
        """What its row does not say yet: progress and use."""
        progress, used = self.folder.progress(), self.running.usage()
        now = {
            "handle": self.running.handle,
            "done": progress.done,
            "of": progress.of,
            "metrics": json.dumps(progress.metrics),
            **self._used(used),
        }
        found = {key: value for key, value in now.items() if self.told.get(key) != value}
        self.told |= found
        return found

    def _used(self, used: Usage) -> dict[str, Any]:
        peak = max(self.row.memory_peak_bytes, used.memory_peak_bytes)
        return {
            "cpu_s": round(self.cpu_before_s + used.cpu_s, 2),
            "memory_bytes": used.memory_bytes,
            "memory_peak_bytes": peak,
        }

    def charge_s(self) -> float:
        """How long it ran since it was charged last."""
        now_s = monotonic_s()
        ran_s, self.charged_s = now_s - self.charged_s, now_s
        return ran_s
