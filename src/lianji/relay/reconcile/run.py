"""One comparison of one edge with its hub: what was asked, how far it is, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NIGHTLY = "nightly"


class RunState(StrEnum):
    RUNNING = "running"
    EQUAL = "equal"
    UNDER_WAY = "under_way"
    """Equal but for what the edge is still sending."""
    DIFFERENT = "different"
    FAILED = "failed"


@dataclass(slots=True)
class Run:
    """One comparison of one edge with its hub. Counts are samples."""

    edge: str
    by: str
    repair: bool
    started_us: int
    from_us: int
    to_us: int
    done_us: int
    """Compared up to here."""
    state: RunState = RunState.RUNNING
    ended_us: int | None = None
    tags: int = 0
    rows_here: int = 0
    rows_there: int = 0
    to_hub: int = 0
    """Samples that the edge sent again."""
    to_edge: int = 0
    """Samples that the hub gave back."""
    untold: int = 0
    """Differences beyond those that are listed."""
    unreadable: list[str] = field(default_factory=list)
    """Files that could not be read, on either side."""
    error: dict[str, Any] | None = None
    id: int = 0

    @property
    def share(self) -> float:
        span = self.to_us - self.from_us
        if span <= 0:
            return 1.0 if self.is_over else 0.0
        return (self.done_us - self.from_us) / span

    @property
    def is_over(self) -> bool:
        return self.state is not RunState.RUNNING

    @property
    def misses(self) -> bool:
        return self.state in (RunState.DIFFERENT, RunState.FAILED)
