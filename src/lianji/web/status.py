"""What a plant says of itself: the models behind ``/api/status`` and the status page.

Units are in the names; sentences come in both languages.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from lianji.base.errors import LianjiError, Text


class Words(BaseModel):
    """One sentence in both languages."""

    en: str
    zh: str

    @classmethod
    def of(cls, text: Text) -> Words:
        return cls(en=text.en, zh=text.zh)


class Fault(BaseModel):
    """What happened and why, and what to do next."""

    code: str
    cause: Words
    remedy: Words

    @classmethod
    def of(cls, error: LianjiError) -> Fault:
        return cls(code=error.code, cause=Words.of(error.cause), remedy=Words.of(error.remedy))


class DeviceState(StrEnum):
    RUNNING = "running"
    CONNECTING = "connecting"
    DEGRADED = "degraded"
    """It answers, but not for every tag."""
    FAULT = "fault"
    DISABLED = "disabled"


class DeviceStatus(BaseModel):
    name: str
    protocol: str
    state: DeviceState
    state_text: Words
    tags: int = 0
    requests_per_s: float = 0.0
    samples_per_s: float = 0.0
    cycle_ms: float | None = Field(None, description="How long the last full round took.")
    last_good_us: int | None = Field(None, description="When a sample of good quality came last.")
    error: Fault | None = None


class SpoolStatus(BaseModel):
    bytes: int = 0
    bytes_max: int | None = Field(None, description="The cap on disk; null: none.")
    records: int = 0
    oldest_us: int | None = None
    policy: str = ""
    readers: dict[str, int] = Field(
        default_factory=dict, description="How many records each reader has still to take."
    )
    hours_left: float | None = Field(
        None, description="At the present rate, until the disk cap is reached; null: no end."
    )
    gaps: int = Field(0, description="Gap records: what the policy has dropped.")
    quarantined: int = Field(0, description="Damaged records that were set aside.")


class DiskStatus(BaseModel):
    free_bytes: int
    total_bytes: int


class HistoryStatus(BaseModel):
    rows: int = 0
    files: int = 0
    bytes: int = 0
    unflushed: int = Field(0, description="Rows answered from memory, not yet in the table.")
    waiting: int = Field(0, description="Rows of which nobody can say yet whether they are new.")
    last_flush_us: int | None = None
    unreadable: int = Field(0, description="Files of the table that cannot be read.")
    error: Fault | None = None


class StageStatus(BaseModel):
    """Where batches wait and where they are served, in microseconds."""

    stage: str
    wait_p50_us: float
    wait_p99_us: float
    served_p50_us: float
    served_p99_us: float
    count: int


class Rates(BaseModel):
    requests_per_s: float = 0.0
    samples_per_s: float = 0.0
    cpu_share: float | None = Field(None, description="Of one core: 1.0 is one core in use.")
    memory_bytes: int | None = None


class PlantStatus(BaseModel):
    now_us: int
    uptime_s: float
    versions: dict[str, str] = Field(default_factory=dict)
    rates: Rates = Field(default_factory=Rates)
    devices: list[DeviceStatus] = Field(default_factory=list)
    problems: list[Fault] = Field(
        default_factory=list, description="What is wrong with the plant's files."
    )
    spool: SpoolStatus = Field(default_factory=SpoolStatus)
    history: HistoryStatus = Field(default_factory=HistoryStatus)
    disk: DiskStatus | None = Field(None, description="Where the plant's folder lies.")
    stages: list[StageStatus] = Field(default_factory=list)
