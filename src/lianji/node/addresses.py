"""Where edges find a hub and those that take its place: as ``lianji.toml`` says now.

A pairing writes a second address while the hub runs, and edges that joined before must hear of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from lianji.base.clock import monotonic_s
from lianji.base.errors import LianjiError
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings

LOOK_S = 1.0


class Addresses(Sequence[str]):
    """``[hub] addresses``; what was known last where the file cannot be read or has none."""

    def __init__(self, folder: PlantFolder, known: Sequence[str]) -> None:
        self._folder, self._known = folder, list(known)
        self._stamp = self._stamped()
        self._looked_s = monotonic_s()

    def _now(self) -> list[str]:
        if monotonic_s() - self._looked_s >= LOOK_S:
            self._looked_s = monotonic_s()
            stamp = self._stamped()
            if stamp != self._stamp:
                self._read(stamp)
        return self._known

    def _read(self, stamp: tuple[int, int]) -> None:
        try:
            hub = load_settings(self._folder.root).hub
        except (LianjiError, OSError):
            return  # half-written by hand: the next look reads it again
        self._stamp = stamp
        if hub is not None and hub.addresses:
            self._known = list(hub.addresses)

    def _stamped(self) -> tuple[int, int]:
        try:
            found = self._folder.settings.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        return self._now()[at]

    def __len__(self) -> int:
        return len(self._now())
