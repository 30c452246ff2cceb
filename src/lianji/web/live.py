"""Live values as server-sent events: what has changed, at most every half second.

A stream ends when its reader goes, and all end at once when the server does: a stream left open
would hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pyarrow as pa
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from lianji.base.clock import monotonic_s
from lianji.base.errors import Busy, Text
from lianji.dictionary.quality import name_of
from lianji.web.access.guard import READ
from lianji.web.asked import Plant, Tags, at_most
from lianji.web.faults import errors
from lianji.web.ports import PlantView

router = APIRouter(prefix="/api", tags=["live"], dependencies=[READ])

PERIOD_S = 0.5
KEEPALIVE_S = 15.0
STREAMS_MAX = 64
TAGS_MAX = 256
Samples = dict[str, dict[str, object]]


class Streams:
    """The open streams of one app: how many there are, and the word that ends them all."""

    def __init__(self) -> None:
        self.open = 0
        self._ended = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def end(self) -> None:
        self._ended.set()

    async def rest(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    @contextmanager
    def one(self) -> Iterator[None]:
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


@router.get(
    "/live",
    operation_id="live_samples",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Events of changed samples.", "content": {"text/event-stream": {}}},
        **errors(400, 413, 503),
    },
)
async def live(request: Request, plant: Plant, tags: Tags) -> StreamingResponse:
    """The last sample of each tag now, then each that has changed."""
    streams: Streams = request.app.state.streams
    at_most(TAGS_MAX, tags)
    if streams.open >= STREAMS_MAX:
        raise Busy(
            "streams-full",
            Text(
                f"{STREAMS_MAX} live streams are open already.", f"已打开 {STREAMS_MAX} 个实时流。"
            ),
            Text("Close a page that shows live values.", "请关闭一些显示实时值的页面。"),
        )
    return StreamingResponse(_events(plant, tags, streams), media_type="text/event-stream")


async def _events(plant: PlantView, tags: list[str], streams: Streams) -> AsyncIterator[str]:
    seen: Samples = {}
    with streams.one():
        spoke_s = monotonic_s()
        yield "retry: 2000\n\n"
        while not streams.ended:
            now = await run_in_threadpool(_last_of, plant, tags)
            fresh = [sample for tag, sample in now.items() if seen.get(tag) != sample]
            seen = now
            if fresh:
                yield f"data: {json.dumps({'samples': fresh}, ensure_ascii=False)}\n\n"
                spoke_s = monotonic_s()
            elif monotonic_s() - spoke_s > KEEPALIVE_S:
                yield ": still here\n\n"
                spoke_s = monotonic_s()
            await streams.rest(PERIOD_S)


def _last_of(plant: PlantView, tags: list[str]) -> Samples:
    """A tag that has not spoken yet is left out; it comes when it does."""
    heard = [tag for tag in tags if plant.heard(tag)]
    return samples_of(plant.history.last(heard)) if heard else {}


def samples_of(table: pa.Table) -> Samples:
    """One sample a tag, as the event carries it: times in milliseconds since 1970."""
    columns = [
        table["tag"].cast(pa.string()).to_pylist(),
        table["time"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist(),
        table["value"].to_pylist(),
        table["text"].to_pylist(),
        table["quality"].to_pylist(),
    ]
    return {
        tag: {
            "tag": tag,
            "time_ms": time_us / 1000,
            "value": value if value is not None and math.isfinite(value) else None,
            "text": text,
            "quality": quality,
            "quality_name": name_of(quality),
        }
        for tag, time_us, value, text, quality in zip(*columns, strict=True)
    }
