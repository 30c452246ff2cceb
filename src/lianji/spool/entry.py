"""What a reader of the spool gets, and what the log keeps in memory for it."""

from __future__ import annotations

from dataclasses import dataclass

from lianji.dictionary.batch import Batch
from lianji.spool.record import Gap


@dataclass(slots=True)
class Entry:
    """One record: its sequence number, and samples or word of a gap."""

    sequence: int
    content: Batch | Gap

    @property
    def rows(self) -> int:
        return len(self.content) if isinstance(self.content, Batch) else 0
