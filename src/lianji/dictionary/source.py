"""Where a relayed record came from: its place in the spool of the edge that sent it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record came from that another spool sent: see docs/decisions/0011-relay.md."""

    edge: str
    """Name of the edge."""
    epoch: str
    """Its spool's epoch, 32 hex digits."""
    lane: int
    """The sequence at which the lane begins."""
    sequence: int
    """The record's sequence in that spool."""
    check: int
    """The record's own checksum there, unsigned 64 bit."""
