"""The ``[history]`` part of ``lianji.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HistorySettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    flush_s: float = Field(60.0, ge=0.05, le=3600)
    """How long samples wait in memory (and in the spool) before they become a file."""
    flush_rows: int = Field(250_000, ge=1000, le=20_000_000)
    """So many samples become a file at once."""
    removed_kept_h: float = Field(24.0, ge=1, le=8760)
    """How long files that were merged or corrected stay on disk, for readers of older versions."""
    sql_memory_mb: int = Field(512, ge=64)
    """What one SQL query may take; a larger one fails and says so."""
    sql_timeout_s: float = Field(30.0, gt=0)
    """An SQL query that takes longer is interrupted."""
