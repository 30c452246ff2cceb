"""The hub's ear: what each edge last said of itself, and what the hub has to say to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lianji.base.clock import now_us


@dataclass(slots=True)
class Heard:
    """The last report of an edge."""

    at_us: int = 0
    report: dict[str, Any] = field(default_factory=dict)


class Conversation:
    """Takes reports, and holds the line until there is something to say."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self._ended = asyncio.Event()

    async def __call__(self, edge: str, report: dict[str, Any], wait_s: float) -> dict[str, Any]:
        self.heard[edge] = Heard(now_us(), report)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), wait_s)
        return {"messages": []}

    def end(self) -> None:
        """Let go of everybody who waits."""
        self._ended.set()
