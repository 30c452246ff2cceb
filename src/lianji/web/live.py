"""Live values as server-sent events: what has changed, at most every half second.

A browser needs one stream for all its tabs (``static/js/live-hub.js``). Every few seconds a stream
says that it is alive, also when nothing changes: a reader that hears nothing for longer knows that
what it shows is old. A stream ends when its reader goes, and all end at once when the server does:
a stream left open would hold up the end of the process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Busy, Text
from lianji.web.access.guard import READ, Who
from lianji.web.asked import Tags, at_most
from lianji.web.faults import errors
from lianji.web.ports import PlantView
from lianji.web.pulse import Pulse
from lianji.web.sites.plant import SitePlants

router = APIRouter(prefix="/api", tags=["live"], dependencies=[READ])

ALIVE_S = 5.0
STREAMS_MAX = 256
TAGS_MAX = 1_000


class Streams:
    """The open streams of one app: how many there are, and the word that ends them all."""

    def __init__(self) -> None:
        self.open = 0
        self.pulse = Pulse()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.pulse.announce()

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
async def live(request: Request, who: Who, tags: Tags) -> StreamingResponse:
    """The last sample of each tag now, then each that has changed."""
    streams: Streams = request.app.state.streams
    plants: SitePlants = request.app.state.plants
    at_most(TAGS_MAX, tags)
    if streams.open >= STREAMS_MAX:
        raise Busy(
            "streams-full",
            Text(
                f"{STREAMS_MAX} live streams are open already.", f"已打开 {STREAMS_MAX} 个实时流。"
            ),
            Text("Close a page that shows live values.", "请关闭一些显示实时值的页面。"),
        )
    seen = [tag for tag in tags if who.sites.sees(tag)]  # one look at the plant is for all readers
    return StreamingResponse(_events(plants.whole, seen, streams), media_type="text/event-stream")


async def _events(plant: PlantView, tags: list[str], streams: Streams) -> AsyncIterator[str]:
    with streams.one():
        yield "retry: 2000\n\n"
        async with streams.pulse.watching(plant, tags) as watch:
            spoke_s = 0.0
            while not streams.ended:
                if fresh := watch.fresh():
                    yield f'data: {{"samples": [{", ".join(fresh)}]}}\n\n'
                    spoke_s = monotonic_s()
                elif monotonic_s() - spoke_s > ALIVE_S:
                    yield f'event: alive\ndata: {{"now_us": {now_us()}}}\n\n'
                    spoke_s = monotonic_s()
                await watch.beat()
