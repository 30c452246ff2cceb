"""One edge, asked by its hub: the asks of a comparison and what their answers mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lianji.base.clock import monotonic_s
from lianji.base.errors import DeviceTimeout, Text
from lianji.history.digest import Digest, steps_in
from lianji.relay.reconcile.comparing import Keep
from lianji.relay.reconcile.packing import (
    pack_words,
    unpack_numbers,
    unpack_words,
    wrong_answer,
)

ANSWER_S_MAX = 120.0
STILL_S_MAX = 600.0
"""Repairs that do not move on for so long are given up for this time."""
Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Kind and payload to answer. Raises LianjiError."""
Stretches = list[tuple[int, int]] | None
Group = dict[str, Any]


@dataclass(slots=True)
class About:
    """Who the edge is and which tags it has."""

    site: str
    patterns: list[str]
    keep: Keep
    reach: tuple[int, int] | None
    now_us: int
    paths: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Told:
    """A digest of the edge, and what was not with the hub when it was made."""

    digest: Digest
    under_way: Stretches
    unreadable: list[str]


class EdgeAsked:
    """Raises LianjiError: what the edge said, or that it is not there."""

    def __init__(self, edge: str, ask: Ask) -> None:
        self.edge = edge
        self._ask = ask

    async def about(self) -> About:
        answer = await self._ask("reconcile-about", {"first": 0})
        reach = answer["reach"]
        about = About(
            str(answer["site"]),
            [str(one) for one in answer["patterns"]],
            Keep(tuple((str(tags), float(days)) for tags, days in answer["keeps"])),
            None if reach is None else (int(reach[0]), int(reach[1])),
            int(answer["now_us"]),
            unpack_words(answer["paths"]),
        )
        while len(about.paths) < int(answer["total"]):
            answer = await self._ask("reconcile-about", {"first": len(about.paths)})
            more = unpack_words(answer["paths"])
            if not more:
                break
            about.paths += more
        return about

    async def digest(self, tags: Sequence[str], start_us: int, end_us: int, step_us: int) -> Told:
        """Of all these tags, in as many asks as the edge makes of it."""
        steps = steps_in(start_us, end_us, step_us)
        whole = Digest.none(len(tags), steps)
        told = Told(whole, [], [])
        at = 0
        while at < len(tags):
            answer = await self._ask(
                "digest",
                {
                    "tags": pack_words(tags[at:]),
                    "start_us": start_us,
                    "end_us": end_us,
                    "step_us": step_us,
                },
            )
            done = int(answer["done"])
            if not 0 < done <= len(tags) - at:
                raise wrong_answer(f"{done} tags of {len(tags) - at}")
            shape = (done, steps)
            counts = unpack_numbers(answer["counts"], np.int64, shape)
            whole.put(at, Digest(counts, unpack_numbers(answer["hashes"], np.uint64, shape)))
            told.under_way = _both(told.under_way, answer["under_way"])
            told.unreadable = [str(one) for one in answer["unreadable"]]
            at += done
        return told

    async def resend(self, groups: Sequence[Group]) -> int:
        """Have samples sent again, and wait until they are here; how many."""
        payload = [{**group, "tags": pack_words(group["tags"])} for group in groups]
        answer = await self._ask("resend", {"groups": payload})
        await self._arrived(int(answer["sequence"]))
        return int(answer["rows"])

    async def restore(self, offer: int) -> int:
        """How many of the offered samples the edge has taken. They come back to the hub too, as
        all that is in an edge's spool does: waited for, so that no queue grows."""
        answer = await self._ask("restore", {"offer": offer})
        await self._arrived(int(answer["sequence"]))
        return int(answer["rows"])

    async def _arrived(self, sequence: int) -> None:
        position, since_s = -1, monotonic_s()
        while True:
            answer = await self._ask("relayed", {"sequence": sequence})
            if answer["done"]:
                return
            if int(answer["position"]) > position:
                position, since_s = int(answer["position"]), monotonic_s()
            elif monotonic_s() - since_s > STILL_S_MAX:
                raise _still(self.edge)


def _both(one: Stretches, other: Sequence[Sequence[int]] | None) -> Stretches:
    if one is None or other is None:
        return None
    return [*one, *((int(first), int(last)) for first, last in other)]


def _still(edge: str) -> DeviceTimeout:
    return DeviceTimeout(
        "reconcile-line-still",
        Text(
            f"What {edge} sends again does not arrive: its relay stands still.",
            f"{edge} 补发的数据未到达：其上传已停滞。",
        ),
        Text(
            "See the edge's page for why it does not send; then compare again.",
            "请在边缘端页面查看未上传的原因，然后重新核对。",
        ),
    )
