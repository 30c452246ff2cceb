"""What the hub has ready for an edge to fetch: samples that the edge has lost."""

from __future__ import annotations

import itertools
import threading

from lianji.base.errors import NotFound, Text


class Offers:
    """Few at a time, each for one edge only, gone when it was taken or the hub ends."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[str, bytes]] = {}

    def put(self, edge: str, content: bytes) -> int:
        """Its number."""
        with self._lock:
            number = next(self._numbers)
            self._kept[number] = edge, content
            return number

    def get(self, edge: str, number: int) -> bytes:
        """Raises NotFound, also for what is another edge's."""
        with self._lock:
            owner, content = self._kept.get(number, ("", b""))
        if owner != edge:
            raise NotFound(
                "repair-missing",
                Text(
                    f"There is no repair {number} for {edge}.", f"没有给 {edge} 的修复 {number}。"
                ),
                Text("Compare again.", "请重新核对。"),
            )
        return content

    def drop(self, number: int) -> None:
        with self._lock:
            self._kept.pop(number, None)
