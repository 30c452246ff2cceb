"""Jobs of upkeep: what they are, and running one in a bounded subprocess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lianji.base.errors import LianjiError, StorageError, Text
from lianji.history.compaction.work import Outcome
from lianji.history.compaction.worker import file_of
from lianji.history.delta.actions import DataFile
from lianji.history.settings import S3Settings

MEMORY_BYTES_MAX = 1536 * 1024 * 1024
JOBS_A_CHILD = 64
SMALL = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""One pool that gives back what is free, instead of several that keep it."""
WORKER = "lianji.history.compaction.worker"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the tables lie that a job reads and writes."""

    samples: Path
    minutes: Path
    hours: Path
    bucket: S3Settings | None = None
    """Where the samples lie instead, if not in a folder."""

    @property
    def told(self) -> dict[str, Any]:
        paths = {name: str(getattr(self, name)) for name in ("samples", "minutes", "hours")}
        if self.bucket is None:
            return paths
        secret = self.bucket.secret_access_key.get_secret_value()
        return {**paths, "bucket": self.bucket.model_dump() | {"secret_access_key": secret}}


@dataclass(frozen=True, slots=True)
class Job:
    """``merge`` files of a day, ``roll_up`` files that have no rollups, or put the ``hours`` of a
    month in one file. ``period`` is the day or the month."""

    kind: Literal["merge", "roll_up", "hours"]
    site: str
    period: str
    inputs: tuple[DataFile, ...]
    level: int = 0
    days: tuple[frozenset[str], ...] = field(default=())
    """Of ``hours``: the days of each input that count."""


class Runner:
    """Runs one job at a time, and can be told to give up.

    One subprocess does many jobs, for starting it takes longer than a small one. It is let go
    after ``JOBS_A_CHILD``, and by ``rest`` when there is nothing to do, so its memory goes too.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._jobs_left = 0
        self._stopped = threading.Event()

    def run(self, job: Job) -> Outcome | None:
        """What the job wrote; None if it was told to stop. Raises LianjiError."""
        child = self._hired()
        if child is None:
            return None
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(self._told(job) + b"\n")
            child.stdin.flush()
            printed = child.stdout.readline()
        except BrokenPipeError:
            printed = b""
        if self._stopped.is_set():
            return None
        if not printed.endswith(b"\n"):
            raise _failed(job, self._let_go())
        if self._jobs_left <= 0:
            self.rest()
        answer = json.loads(printed)
        if "error" in answer:
            told = answer["error"]
            raise StorageError(told["code"], Text(**told["cause"]), Text(**told["remedy"]))
        return Outcome(**{name: [file_of(f) for f in files] for name, files in answer.items()})

    def _hired(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopped.is_set():
                return None
            if self._child is None:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", WORKER],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **SMALL},
                )
                self._jobs_left = JOBS_A_CHILD
            self._jobs_left -= 1
            return self._child

    def rest(self) -> None:
        """Let the subprocess go until the next job."""
        self._let_go()

    def _let_go(self) -> str:
        """End the subprocess; what it complained of."""
        with self._lock:
            child, self._child = self._child, None
        if child is None:
            return ""
        _, complained = child.communicate()
        return complained.decode(errors="replace")

    def stop(self) -> None:
        """End what runs; nothing of it is committed."""
        self._stopped.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._let_go()

    def _told(self, job: Job) -> bytes:
        told: dict[str, Any] = {
            **self._folders.told,
            "kind": job.kind,
            "site": job.site,
            "period": job.period,
            "inputs": [asdict(file) for file in job.inputs],
            "level": job.level,
            "days": [sorted(some) for some in job.days],
            "memory_bytes_max": MEMORY_BYTES_MAX,
        }
        return json.dumps(told).encode()


def _failed(job: Job, complained: str) -> LianjiError:
    lines: Sequence[str] = complained.strip().splitlines() or ["it was killed"]
    return StorageError(
        "upkeep-failed",
        Text(
            f"Merging files of {job.period} failed: {lines[-1]}.",
            f"合并 {job.period} 的文件失败：{lines[-1]}。",
        ),
        Text(
            "Nothing is lost: the files stay as they are. Check memory and disk.",
            "数据没有丢失，文件保持原样。请检查内存和磁盘。",
        ),
    )
