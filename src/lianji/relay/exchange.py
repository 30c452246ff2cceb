"""The other way, at the hub: what each edge says of itself, what it is asked, what it is told.

An edge holds a request open (``POST .../exchange``). With it come a report, the answers to what was
asked and the results of what was told; it is answered as soon as there is something to ask or to
tell. An **ask** is a question to a running edge (read only, gone with this process). A **message**
is durable, signed and has a result: see ``messages``.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from lianji.base.clock import now_us
from lianji.base.errors import DeviceTimeout, InputError, LinkDown, Text

HEARD_US_MAX = 90_000_000
"""An edge that said nothing for so long is not there."""


@dataclass(slots=True)
class Heard:
    """The last report of an edge."""

    at_us: int = 0
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        return now_us() - self.at_us < HEARD_US_MAX


class Outbox(Protocol):
    """Messages to edges. Both may block on the disk; they are called from threads."""

    def waiting(self, edge: str) -> Sequence[dict[str, Any]]:
        """What this edge has not answered yet, in order, ready to be sent as JSON."""

    def answered(self, edge: str, results: Sequence[dict[str, Any]]) -> None:
        """What became of messages: of each ``id``, ``state`` and ``reason``."""


class Conversation:
    """Lives in one event loop."""

    def __init__(self, outbox: Outbox | None = None, addresses: Sequence[str] = ()) -> None:
        """``addresses`` of this hub and of those that take its place are told with every answer,
        as they are then: edges learn by it of a hub that was paired after they joined."""
        self._addresses = addresses
        self.heard: dict[str, Heard] = {}
        self._outbox = outbox
        self._numbers = itertools.count(1)
        self._asks: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self._answers: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._turns: dict[str, object] = {}
        self._ended = False

    async def __call__(self, edge: str, report: dict[str, Any], wait_s: float) -> dict[str, Any]:
        """Take what an edge says, and answer it when there is something to say."""
        answers, results = report.pop("answers", []), report.pop("results", [])
        self.heard[edge] = Heard(now_us(), report)
        for answer in answers:
            self._take(edge, answer)
        if results and self._outbox is not None:
            await asyncio.to_thread(self._outbox.answered, edge, results)
        turn = self._turns[edge] = object()
        news = self._news[edge]
        news.clear()
        said = await self._to_say(edge)
        if not (said["asks"] or said["messages"] or self._ended or answers or results):
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), wait_s)
            if self._turns[edge] is not turn:  # the edge asks anew: nobody listens here any more
                return {"asks": [], "messages": []}
            said = await self._to_say(edge)
        return said

    async def _to_say(self, edge: str) -> dict[str, Any]:
        messages: Sequence[dict[str, Any]] = []
        if self._outbox is not None:
            messages = await asyncio.to_thread(self._outbox.waiting, edge)
        asks, self._asks[edge] = list(self._asks[edge].values()), {}
        said: dict[str, Any] = {"asks": asks, "messages": list(messages)}
        return {**said, "addresses": told} if (told := list(self._addresses)) else said

    def _take(self, edge: str, answer: Any) -> None:
        """An answer counts once, and only from the edge that was asked."""
        if not isinstance(answer, dict):
            return
        asked, future = self._answers.get(answer.get("id", 0), ("", None))
        if future is not None and asked == edge and not future.done():
            future.set_result(answer)

    async def ask(
        self, edge: str, kind: str, payload: dict[str, Any], timeout_s: float = 60.0
    ) -> dict[str, Any]:
        """Ask an edge and wait for its answer.

        Raises LinkDown if it has not been heard of lately, DeviceTimeout if it does not answer in
        time, InputError with its own words if it cannot.
        """
        if not self.heard.get(edge, Heard()).is_up:
            raise _not_there(edge)
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = edge, future
        self._asks[edge][number] = {"id": number, "kind": kind, **payload}
        self.news(edge)
        try:
            answer = await asyncio.wait_for(future, timeout_s)
        except TimeoutError as error:
            raise _silent(edge, kind) from error
        finally:
            del self._answers[number]
            self._asks[edge].pop(number, None)
        if "error" in answer:
            said = answer["error"]
            raise InputError(
                str(said.get("code", "edge-cannot")),
                Text(**said["cause"]),
                Text(**said["remedy"]),
            )
        return answer

    def news(self, edge: str) -> None:
        """There is something to say to this edge. From the loop's own thread."""
        self._news[edge].set()

    def end(self) -> None:
        """Let go of everybody who waits. From the loop's own thread."""
        self._ended = True
        for event in list(self._news.values()):
            event.set()


def _not_there(edge: str) -> LinkDown:
    return LinkDown(
        "edge-not-there",
        Text(f"Nothing was heard of {edge} lately.", f"近期未收到 {edge} 的消息。"),
        Text(
            "See `lianji hub status`, and ask again when it is back.",
            "请查看 `lianji hub status`，待其恢复后重试。",
        ),
    )


def _silent(edge: str, kind: str) -> DeviceTimeout:
    return DeviceTimeout(
        "edge-silent",
        Text(f"{edge} did not answer in time ({kind}).", f"{edge} 未及时应答（{kind}）。"),
        Text("Ask again; it may be busy.", "请重试，它可能正忙。"),
    )
