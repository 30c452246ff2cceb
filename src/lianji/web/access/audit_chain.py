"""What the audit log is made of: entries, each with a hash over the one before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done. ``detail`` is a JSON object as text."""

    sequence: int
    time_us: int
    who: str
    what: str
    detail: str
    hash: str

    def hashed(self, before: str) -> str:
        """The hash that this row must have after one with the hash ``before``."""
        row = [("detail", self.detail), ("sequence", self.sequence), ("time_us", self.time_us),
               ("what", self.what), ("who", self.who)]  # fmt: skip
        text = json.dumps(dict(row), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """``broken_at`` is the first row that does not fit, or None; ``why`` is gap, changed, cut.

    ``archived``: so many older ones were moved to files.
    """

    rows: int
    last_hash: str
    broken_at: int | None = None
    why: str = ""
    archived: int = 0
