"""What a spool may take and how long it keeps: the ``[spool]`` part of ``lianji.toml``."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FullPolicy(StrEnum):
    """What happens when the spool may not grow any more and a reader still lags."""

    REFUSE = "refuse"
    DROP_OLDEST = "drop_oldest"
    THIN = "thin"


class SpoolSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bytes_max: int = Field(4 * 1024**3, ge=1024**2)
    """The strict cap: the segments of the spool never take more."""
    full: FullPolicy = FullPolicy.DROP_OLDEST
    """At the cap, while a reader still lags: ``drop_oldest`` gives up the oldest segment, ``thin``
    keeps every second sample of the oldest, ``refuse`` takes nothing new."""
    keep_h: float = Field(24.0, ge=0)
    """How long what every reader has is kept on all the same."""
    segment_bytes: int = Field(64 * 1024**2, ge=64 * 1024)
    """A segment file is closed at this size, or at an eighth of the cap if that is less."""
    commit_ms: float = Field(20.0, ge=0, le=1000)
    """Group commit: the longest wait for company before the sync."""
    commit_bytes: int = Field(1024**2, ge=1)
    """Group commit: as soon as this much has gathered, sync at once."""

    @property
    def roll_bytes(self) -> int:
        """A segment is at most an eighth of the cap, so that dropping one stays a small loss."""
        return min(self.segment_bytes, self.bytes_max // 8)
