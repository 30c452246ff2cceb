"""What an uplink says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lianji.relay.sending import Book


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """How the relay is, in figures of one moment."""

    hub: str
    connected: bool
    parted: bool
    live_lag: int
    """Records of the open lane that the hub does not have."""
    backlog: int
    """Records of closed lanes that the hub does not have."""
    lanes: int
    position: int
    sent_bytes: int
    sent_records: int
    error: dict[str, object] | None

    @classmethod
    def of(cls, book: Book, durable: int, **told: Any) -> UplinkStatus:
        """Of a book, and a spool that is durable up to there."""
        waiting = book.backlog
        return cls(
            live_lag=max(0, durable - book.live.after),
            backlog=sum((lane.end or 0) - lane.after for lane in waiting),
            lanes=len(waiting) + 1,
            position=book.position,
            **told,
        )
