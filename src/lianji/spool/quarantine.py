"""Where damaged bytes go: set aside under a name that says where they lay, never thrown away."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.spool.record import Damage

KEEP_BYTES_MAX = 16 * 1024 * 1024
"""Of one damage at most this much is kept: a lost segment must not fill the disk twice."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    segment: str
    offset: int
    length: int
    reason: str
    found_s: float


class Quarantine:
    """The folder of damaged bytes. Setting the same damage aside twice counts once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set_aside(self, segment: Path, damage: Damage, reason: str) -> bool:
        """Keep a copy of the damaged bytes; True if this damage was not known yet."""
        name = f"{segment.stem}-{damage.offset}-{damage.length}"
        note = self.folder / f"{name}.json"
        if note.exists():
            return False
        make_folder(self.folder)
        with segment.open("rb") as file:
            file.seek(damage.offset)
            content = file.read(min(damage.length, KEEP_BYTES_MAX))
        write_atomically(self.folder / f"{name}.bytes", content)
        what = {
            "segment": segment.name,
            "offset": damage.offset,
            "length": damage.length,
            "reason": reason,
            "found_s": time.time(),
        }
        write_atomically(note, json.dumps(what).encode())
        sync_folder(self.folder)
        return True

    def list(self) -> list[Quarantined]:
        notes = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
        return [Quarantined(**json.loads(note.read_text())) for note in notes]
