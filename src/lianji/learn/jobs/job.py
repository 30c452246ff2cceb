"""A job as its row in the state database says, and how one is asked for."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from lianji.learn.jobs.room import CPU, Need
from lianji.learn.jobs.settings import DEFAULT_TENANT, Label

TRAINING = "lianji.learn.training.job:run"
ARGUMENTS_BYTES_MAX = 64 * 1024
QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
OPEN = (QUEUED, RUNNING)
State = Literal["queued", "running", "done", "failed", "stopped"]
_FUNCTION = r"^[A-Za-z_][A-Za-z0-9_.]{0,200}:[A-Za-z_][A-Za-z0-9_]{0,100}$"


class Wanted(BaseModel):
    """A job that is asked for."""

    model_config = ConfigDict(extra="forbid")

    function: Annotated[str, StringConstraints(pattern=_FUNCTION)]
    """``module:function``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    name: str = Field("", max_length=100)
    kind: Literal["function", "train"] = "function"
    tenant: Label = DEFAULT_TENANT
    priority: int = Field(0, ge=-100, le=100)
    device: Label = CPU
    cpus: float = Field(1.0, gt=0, le=4096)
    memory_mb: int = Field(1024, ge=16, le=2**31)

    @field_validator("arguments")
    @classmethod
    def _of_json(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            text = json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError("arguments are a JSON object") from error
        if len(text) > ARGUMENTS_BYTES_MAX:
            raise ValueError(f"arguments take at most {ARGUMENTS_BYTES_MAX} bytes")
        return arguments

    def need(self, id: str = "") -> Need:
        return Need(id, self.tenant, self.cpus, self.memory_mb, self.device)


class JobRow(BaseModel):
    """A job and what became of it. Times are microseconds since 1970 UTC."""

    id: str
    name: str
    kind: str = Field(description="function or train.")
    function: str
    arguments: dict[str, Any]
    tenant: str
    owner: str = Field(description="Who submitted it.")
    priority: int
    device: str = Field(description="The label of what it computes on.")
    cpus: float
    memory_mb: int
    created_us: int
    state: State = Field(description="queued, running, done, failed or stopped.")
    since_us: int = Field(description="When it came into this state.")
    waited_us: int = Field(description="In the queue before that, in all.")
    level: int | None = Field(description="The priority that it was started with.")
    stop_by: str = Field(description="Who asked it to stop; empty: nobody.")
    reason_en: str = Field(description="Why it ended or runs again.")
    reason_zh: str
    attempts: int = Field(description="How many times it was started.")
    preemptions: int = Field(description="How many times it gave way.")
    crashes: int = Field(description="In a row, without progress between.")
    exit_code: int | None = Field(description="Of its last run; minus a signal that ended it.")
    started_us: int | None
    ended_us: int | None
    done: float
    of: float = Field(description="How much there is to do; 0: not known.")
    metrics: dict[str, float]
    cpu_s: float = Field(description="CPU time of all its runs.")
    memory_bytes: int = Field(description="What it takes now.")
    memory_peak_bytes: int
    waits_en: str = Field("", description="Why it is still queued.")
    waits_zh: str = ""
    place: str = Field("", exclude=True)
    """Whose folder holds it, where several processes share a queue."""
    handle: str = Field("", exclude=True)
    reached: float = Field(0.0, exclude=True)
    """How far it was when it crashed last."""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def told(self) -> dict[str, object]:
        """What the audit log says of it."""
        return {"job": self.id, "name": self.name, "function": self.function, "tenant": self.tenant}

    @property
    def need(self) -> Need:
        return Need(self.id, self.tenant, self.cpus, self.memory_mb, self.device)


class TenantRow(BaseModel):
    """What a tenant may use and has used."""

    name: str
    weight: float
    cpus: float = Field(description="That its jobs have now.")
    memory_mb: int = Field(description="That its jobs have now.")
    running: int
    queued: int
    used_s: float = Field(description="Seconds of the whole machine, decayed.")
    share: float = Field(description="Its part of what all tenants used: 0 to 1.")
    cpus_max: float | None
    memory_mb_max: int | None
    running_max: int | None


def new_job_id() -> str:
    """Eight hexadecimal digits: short enough to be typed."""
    return secrets.token_hex(4)
