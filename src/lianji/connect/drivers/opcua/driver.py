"""The OPC UA driver: what changes is subscribed, what always changes is read in blocks.

A tag without an interval of its own is subscribed: the server says when it changes. A tag with
one is read, up to ``max_nodes_per_read`` tags in a single Read call. ``address`` is a node id
(see ``address.py``); the type is the server's own, so ``type`` is only shown.

Source: OPC 10000-4 (Services), 10000-6 (Mappings). The client underneath is asyncua.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from asyncua import ua

from lianji.base.clock import monotonic_s
from lianji.connect.driver import Block, Columns, Driver, Emit, Found, Limits, Point
from lianji.connect.drivers.opcua.address import Address, parse_address
from lianji.connect.drivers.opcua.browse import browse
from lianji.connect.drivers.opcua.config import OpcUaConfig
from lianji.connect.drivers.opcua.convert import to_columns
from lianji.connect.drivers.opcua.faults import link_down
from lianji.connect.drivers.opcua.session import Layout, Session, chunks
from lianji.connect.drivers.opcua.subscription import Figures, Watch
from lianji.dictionary.tag import Tag

SPACE = "opcua"


@dataclass(frozen=True, slots=True)
class Node:
    """A point's detail. ``polled``: read in blocks, not subscribed."""

    address: Address
    scale: float
    offset: float
    polled: bool


class OpcUaDriver(Driver[OpcUaConfig]):
    """One OPC UA server."""

    name = "opcua"
    Config = OpcUaConfig
    limits = Limits(max_span=1000, max_gap=0, in_flight=1)

    def __init__(self, config: OpcUaConfig) -> None:
        super().__init__(config)
        self._session: Session | None = None
        self._figures = Figures()

    def parse(self, tag: Tag) -> Point:
        node = Node(parse_address(tag.address), tag.scale, tag.offset, tag.interval_ms > 0)
        return Point(space=SPACE, start=0, span=1, detail=node)

    async def open(self) -> None:
        await self.close()
        self._session = await Session.open(self.config)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def plan(self, points: Sequence[Point], numbers: Sequence[int]) -> list[Block]:
        """As many points a block as one call may ask; nodes have no places, so any will do.

        A point's number stands for its place: so a block that is refused can be divided.
        """
        placed = [
            replace(point, start=number) for point, number in zip(points, numbers, strict=True)
        ]
        return [
            Block(
                space=SPACE,
                start=min(point.start for point in part),
                end=max(point.end for point in part),
                points=tuple(part),
                numbers=np.array([point.start for point in part], np.int32),
            )
            for part in chunks(placed, self.config.max_nodes_per_read)
        ]

    async def read(self, block: Block) -> list[Any]:
        session = self._open_session()
        asked = _cached(block, session)
        if asked is None:
            asked = await self._lay_out(block, session)
        return await session.read(asked)

    async def _lay_out(self, block: Block, session: Session) -> list[ua.ReadValueId]:
        places = await session.places([point.detail.address for point in block.points])
        asked = [place.to_read() for place in places]
        unsettled = any(not place.settled for place in places)
        until_s = monotonic_s() + self.config.retry_s if unsettled else math.inf
        block.layout = Layout(session, asked, until_s)
        return asked

    def decode(self, block: Block, raw: list[Any], time_us: int) -> Columns:
        details = [point.detail for point in block.points]
        scale = np.array([detail.scale for detail in details], np.float64)
        offset = np.array([detail.offset for detail in details], np.float64)
        return to_columns(block.numbers, scale, offset, raw, time_us)

    def subscribed(self, point: Point) -> bool:
        return not point.detail.polled

    async def subscribe(self, points: Sequence[Point], numbers: Sequence[int], emit: Emit) -> None:
        await Watch(self._open_session(), points, numbers, emit, self._figures).run()

    async def browse(self, start: str = "") -> AsyncIterator[Found]:
        async for found in browse(self._open_session(), start):
            yield found

    def diagnosis(self) -> dict[str, float | str]:
        return asdict(self._figures)

    def _open_session(self) -> Session:
        if self._session is None:
            raise link_down(self.config.url, "it is closed")
        if not self._session.alive:
            raise link_down(self.config.url, "the server has gone or answers no more")
        return self._session


def _cached(block: Block, session: Session) -> list[ua.ReadValueId] | None:
    layout = block.layout
    if isinstance(layout, Layout) and layout.serves(session):
        return layout.asked
    return None


DRIVER = OpcUaDriver
