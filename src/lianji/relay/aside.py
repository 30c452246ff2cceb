"""Where a hub sets aside what it may not take: kept for people to look at, never thrown away
silently, never enough to fill the disk."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from lianji.base.durable import make_folder, write_atomically

BYTES_MAX = 256 * 1024 * 1024
"""Of one edge at most this much is kept; what comes then is counted and not kept."""
_ODD = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class SetAside:
    edge: str
    what: str
    bytes: int
    since_us: int


class Aside:
    """A folder an edge. Any thread may call; the same thing twice is kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uncounted = 0
        self._lock = threading.Lock()

    def keep(self, edge: str, what: str, content: bytes) -> None:
        """Raises OSError if the disk refuses."""
        with self._lock:
            self._keep(edge, what, content)

    def _keep(self, edge: str, what: str, content: bytes) -> None:
        folder = self.folder / _ODD.sub("_", edge)
        path = folder / _ODD.sub("_", what)[:150]
        if path.exists():
            return
        taken = sum(file.stat().st_size for file in folder.glob("*")) if folder.is_dir() else 0
        if taken + len(content) > BYTES_MAX:
            self.uncounted += 1
            return
        make_folder(folder)
        write_atomically(path, content)

    def list(self) -> list[SetAside]:
        if not self.folder.is_dir():
            return []
        return [
            SetAside(
                file.parent.name, file.name, file.stat().st_size, int(file.stat().st_mtime * 1e6)
            )
            for file in sorted(self.folder.glob("*/*"))
            if not file.name.startswith(".")
        ]
