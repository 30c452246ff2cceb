"""The files by which a job and its runner speak: see ``launcher``.

They are replaced as a whole. What must survive is that the job or the plant is killed, not a power
cut: after one, a job goes on from its last checkpoint, which has its own fsync.
"""

from __future__ import annotations

import codecs
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lianji.base.errors import Text

LOG_BYTES_MAX = 16 * 2**20
_LOG_KEPT = 4 * 2**20
NOTHING = Text("", "")


@dataclass(frozen=True, slots=True)
class Task:
    """What a run of a job is told."""

    id: str
    name: str
    function: str
    arguments: dict[str, Any]
    plant: str
    """The plant's folder."""
    attempt: int = 1
    device: str = "cpu"
    grace_s: float = 30.0
    nice: int = 10
    paths: list[str] = field(default_factory=list)
    """Where modules are looked for besides."""


@dataclass(frozen=True, slots=True)
class Progress:
    done: float = 0.0
    of: float = 0.0
    """0: nobody knows how much there is."""
    metrics: dict[str, float] = field(default_factory=dict)
    time_us: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, in the job's own words."""

    code: int
    reason: Text = NOTHING
    final: bool = False
    """Running it again would end the same way."""
    asked: bool = False
    """It was asked to end."""


class JobFolder:
    """``data/jobs/<id>``. Reading never fails: what is not whole is as if it were not there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def prepare(self, task: Task) -> None:
        """Make ready for a run. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._outcome.unlink(missing_ok=True)
        _replace(self.path / "job.json", asdict(task))

    def task(self) -> Task:
        """Raises OSError, ValueError, TypeError."""
        return Task(**json.loads((self.path / "job.json").read_text(encoding="utf-8")))

    def tell_progress(self, progress: Progress) -> None:
        _replace(self.path / "progress.json", asdict(progress))

    def progress(self) -> Progress:
        try:
            return Progress(**json.loads((self.path / "progress.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return Progress()

    @property
    def _outcome(self) -> Path:
        return self.path / "outcome.json"

    def tell_outcome(self, outcome: Outcome) -> None:
        _replace(self._outcome, asdict(outcome))

    def outcome(self) -> Outcome | None:
        try:
            told = json.loads(self._outcome.read_bytes())
            return Outcome(**told | {"reason": Text(**told["reason"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep_log_small(self) -> None:
        """Cut the oldest off a log that grows and grows. Who appends goes on at the new end."""
        try:
            size = self.log.stat().st_size
            if size <= LOG_BYTES_MAX:
                return
            with self.log.open("r+b") as file:
                file.seek(size - _LOG_KEPT)
                kept = file.read()
                file.seek(0)
                file.truncate()
                file.write(kept[kept.find(b"\n") + 1 :])
        except FileNotFoundError:
            return

    def tail(self, bytes_max: int = 64_000) -> str:
        """The last lines of the log."""
        return self.log_from(-bytes_max)[0]

    def log_from(self, start: int, bytes_max: int = 1_000_000) -> tuple[str, int]:
        """Text from a position on, which counts from the end where it is negative (and is then the
        begin of a line), and the position behind it. Of a log that was cut meanwhile: from its
        beginning."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                at = max(0, size + start) if start < 0 else start if start <= size else 0
                file.seek(at)
                read = file.read(bytes_max)
        except FileNotFoundError:
            return "", 0
        if start < 0 and at:
            first = read.find(b"\n") + 1
            at, read = at + first, read[first:]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(read)
        half = len(decoder.getstate()[0])  # of a character whose rest is not written yet
        return text, at + len(read) - half

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _replace(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    draft.replace(path)
