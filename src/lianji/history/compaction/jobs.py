"""Jobs of upkeep: what they are, and running one in a bounded subprocess."""

from __future__ import annotations

import json
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

MEMORY_BYTES_MAX = 1536 * 1024 * 1024
WORKER = "lianji.history.compaction.worker"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the tables lie that a job reads and writes."""

    samples: Path
    minutes: Path
    hours: Path


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
    """Runs one job at a time, and can be told to give up."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    def run(self, job: Job) -> Outcome | None:
        """What the job wrote; None if it was told to stop. Raises LianjiError."""
        with self._lock:
            if self._stopped.is_set():
                return None
            child = self._child = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        printed, complained = child.communicate(self._told(job))
        with self._lock:
            self._child = None
        if self._stopped.is_set():
            return None
        try:
            answer = json.loads(printed)
        except ValueError:
            raise _failed(job, complained.decode(errors="replace")) from None
        if "error" in answer:
            told = answer["error"]
            raise StorageError(told["code"], Text(**told["cause"]), Text(**told["remedy"]))
        return Outcome(**{name: [file_of(f) for f in files] for name, files in answer.items()})

    def stop(self) -> None:
        """End what runs; nothing of it is committed."""
        with self._lock:
            self._stopped.set()
            if self._child is not None:
                self._child.kill()

    def _told(self, job: Job) -> bytes:
        told: dict[str, Any] = {
            **{name: str(path) for name, path in asdict(self._folders).items()},
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
