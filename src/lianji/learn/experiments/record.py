"""What is kept of a run: ``run.json``. Times are microseconds since 1970 UTC."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text

FILE = "run.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""Of an experiment and of a run: both are folders."""
KEY = re.compile(r"(?! )(?!\.+$)[\w\-. ]{1,200}(?<! )")
"""Of a parameter and of a metric: what a file of MLflow may be called, in any script."""

End = Literal["done", "failed", "stopped"]
State = Literal["running", "done", "failed", "stopped", "broken off"]
Better = Literal["low", "high"]
Value = str | int | float | bool | None

_BETTER: dict[str, Better] = {
    **dict.fromkeys(("loss", "mae", "mse", "rmse", "mape", "wape", "smape", "far", "mar"), "low"),
    **dict.fromkeys(("r2", "f1", "accuracy", "auc", "precision", "recall"), "high"),
}


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_inf_nan="strings", protected_namespaces=()
    )


class DataUsed(_Model):
    """A frozen data set, as ``learn.datasets`` names it; ``part`` is what it was used for."""

    name: str
    version: int = 0
    hash: str = ""
    part: str = ""


class Code(_Model):
    """Which code ran: Lianji's version and, where it is one, the git checkout that it ran in."""

    lianji: str = ""
    commit: str = ""
    changed: bool = False
    """Whether files that git follows differed from that commit."""
    program: str = ""


class Machine(_Model):
    """On what it ran."""

    host: str = ""
    system: str = ""
    python: str = ""
    processor: str = ""
    cores: int = 0
    memory_bytes: int = 0


class Cost(_Model):
    """What it took, over all its attempts."""

    seconds: float = Field(default=0, ge=0)
    cpu_seconds: float = Field(default=0, ge=0)
    memory_bytes: int = Field(default=0, ge=0)
    """The highest resident memory of the process."""
    device: str = "cpu"


class Artefact(_Model):
    """A file that came of it, below ``artefacts``."""

    name: str
    bytes: int
    sha256: str


class Summary(_Model):
    """A metric in short. ``last`` is that of the highest step; NaN where it is none."""

    last: float
    step: int | None = None
    low: float
    high: float
    count: int


class RunRecord(_Model):
    """Everything of a run but its metrics by step."""

    format: Literal[1] = 1
    experiment: str
    run: str
    title: str = ""
    owner: str = ""
    job: str = ""
    """The job that runs it, if one does."""
    began_us: int
    attempt_us: int
    """When the latest attempt began: a run that was broken off may be taken up again."""
    attempts: int = 1
    before_s: float = 0
    """What the attempts before the latest took."""
    end: End | None = None
    ended_us: int | None = None
    reason: str = ""
    parameters: dict[str, Value] = Field(default_factory=dict)
    data: list[DataUsed] = Field(default_factory=list)
    code: Code = Field(default_factory=Code)
    machine: Machine = Field(default_factory=Machine)
    cost: Cost = Field(default_factory=Cost)
    better: dict[str, Better] = Field(default_factory=dict)
    """Whether a metric is to be low or high, where its name does not say it."""
    artefacts: list[Artefact] = Field(default_factory=list)
    metrics: dict[str, Summary] = Field(default_factory=dict)
    """Of a run that has ended; before, they are read from ``metrics.jsonl``."""

    def better_of(self, metric: str) -> Better | None:
        """Which way is good; None where nobody said and the name is none that everybody knows."""
        told = self.better.get(metric)
        if told:
            return told
        return _BETTER.get(re.split(r"[._\- ]", metric.lower())[-1])


@dataclass(frozen=True, slots=True)
class Found:
    """A run as it is found: its record, how it is now, and its metrics in short."""

    record: RunRecord
    state: State
    metrics: dict[str, Summary]
    seconds: float
    """As far as is known of one that did not end: until its last metric."""

    @property
    def run(self) -> str:
        return self.record.run

    def value(self, metric: str) -> float | None:
        """The last of it; None where there is none or it is no number."""
        summary = self.metrics.get(metric)
        return summary.last if summary and math.isfinite(summary.last) else None


def write_record(folder: Path, record: RunRecord) -> None:
    """Durably. Raises OSError."""
    write_atomically(folder / FILE, record.model_dump_json(indent=1).encode())


def read_record(folder: Path) -> RunRecord:
    """Raises FileNotFoundError where there is none, StorageError for one that is damaged."""
    path = folder / FILE
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        why = str(error.errors()[0]["msg"])
        raise StorageError(
            "run-damaged",
            Text(f"{path} is damaged: {why}.", f"{path} 已损坏：{why}。"),
            Text(
                "Restore the folder of the run, or remove it.",
                "请恢复该运行的文件夹，或将其删除。",
            ),
        ) from error
