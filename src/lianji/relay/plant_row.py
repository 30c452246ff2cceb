"""How one plant is, as its hub tells it: the page, the command line and the API show the same."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

State = Literal["parted", "silent", "expired", "waiting", "up", "invited", "revoked"]
Trouble = Literal[
    "parted", "silent", "late", "spool", "expired", "certificate", "devices", "problems", "gaps",
    "refused", "aside", "disk", "limited",
]  # fmt: skip


class PlantRow(BaseModel):
    """How one plant is, as its hub sees it. ``null`` is what nobody knows."""

    name: str
    sites: list[str]
    state: State
    troubles: list[Trouble] = Field(description="What is wrong, the worst first.")
    severity: int = Field(description="2: somebody must act; 1: worth a look; 0: as it should be.")
    heard_us: int | None = Field(None, description="When it last spoke.")
    joined_us: int | None = None
    until_us: int | None = Field(None, description="When its certificate or its invitation ends.")
    newest_us: int | None = Field(None, description="The time of its newest sample here.")
    lag_s: float | None = Field(None, description="The age of that.")
    lag_records: int | None = Field(None, description="Of the live lane, not here yet.")
    backlog_records: int | None = Field(None, description="Of older lanes, not here yet.")
    lanes: int | None = None
    backlog_hours: float | None = Field(None, description="At the pace of the last minutes.")
    hours_left: float | None = Field(None, description="Until the edge's spool is full.")
    gaps: int = Field(0, description="Gap records that came from it.")
    gap_rows: int = Field(0, description="Samples that will not come.")
    last_gap_us: int | None = None
    samples_per_s: float | None = None
    refused_tags: int = Field(0, description="Outside its sites, or told twice.")
    refused_rows: int = 0
    aside: int = Field(0, description="Bodies and records that were set aside.")
    version: str = ""
    other_version: bool = Field(False, description="Its Lianji is not the hub's.")
    disk_free_bytes: int | None = None
    devices: int | None = None
    devices_ill: int = 0
    samples_per_s_max: float | None = Field(None, description="What it may send; null: no limit.")
    bytes_a_day_max: int | None = Field(None, description="Over the line; null: no limit.")
    bytes_today: int = Field(0, description="Over the line since 00:00 UTC.")
