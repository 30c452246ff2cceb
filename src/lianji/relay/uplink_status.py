"""What an uplink says of itself."""

from __future__ import annotations

from dataclasses import dataclass


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
