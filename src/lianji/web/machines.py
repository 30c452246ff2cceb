"""Machines as the page and the API speak of them: what is sent and what comes back."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import Text
from lianji.web.status import Fault

TAGS_MAX = 20_000


class TagRow(BaseModel):
    """One row of a device's tags, as people fill it in; what a row lacks stays as it was."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(max_length=256)
    address: str = Field("", max_length=1024)
    type: str = Field("", max_length=64)
    unit: str = Field("", max_length=64)
    kind: str = Field("linear", max_length=16)
    scale: float = 1.0
    offset: float = 0.0
    description_en: str = Field("", max_length=1024)
    description_zh: str = Field("", max_length=1024)


class Machine(BaseModel):
    """A device as it is to be: its fields as its driver names them, and its tags."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=128)
    protocol: str = Field(max_length=32)
    fields: dict[str, Any] = Field(default_factory=dict)
    tags: list[TagRow] | None = Field(None, max_length=TAGS_MAX, description="null: as they are.")


class MachineSummary(BaseModel):
    """A device of the plant. Secrets are shown as ``***``."""

    name: str
    protocol: str
    fields: dict[str, Any]
    tags: int
    problem: Fault | None = None


class TrialRow(BaseModel):
    path: str
    address: str
    value: float | str | None
    hex: str = Field(description="The raw bytes; empty where the protocol has none.")
    quality: str
    latency_ms: float | None
    error: Text | None


class Trial(BaseModel):
    """What became of reading everything once."""

    rows: list[TrialRow]
    requests: int
    seconds: float
    cycle_s: float = Field(description="What one round over all tags will take.")
    sentence: Text
    error: Fault | None = None


class FoundTag(BaseModel):
    """Something that a device offers, as a row for its tags."""

    name: str
    type: str
    value: str
    row: TagRow


class FoundMachine(BaseModel):
    """A port that somebody listens on, and what usually speaks there."""

    host: str
    port: int
    protocol: str


class Decoded(BaseModel):
    """One way to read raw registers; ``likely`` from 0 to 1."""

    type: str
    value: float | None
    likely: float
    scale: float = 1.0


class Decodes(BaseModel):
    hex: str
    readings: list[Decoded] = Field(description="The likely ones first.")
