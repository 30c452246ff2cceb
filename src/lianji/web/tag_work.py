"""What the requests about tags share: the index, the tables read last, and how much is in hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from weakref import WeakKeyDictionary

from fastapi import Depends, Request

from lianji.base.errors import Busy, Text
from lianji.web.body import InFlight
from lianji.web.ports import PlantView
from lianji.web.tag_index import TagIndex
from lianji.web.tag_tables import TableReader

IN_FLIGHT_BYTES_MAX = 128 << 20
"""Of all tables that are being handed in at one moment."""
TAKES_TURNS_S = 60.0


@dataclass(frozen=True, slots=True)
class Indexed:
    """The index of the tags of one plant, as one kind of reader sees it, at a stamp of them."""

    of: object
    count: int
    index: TagIndex


class TagWork:
    """One a app."""

    def __init__(self) -> None:
        self.reader = TableReader()
        self.in_flight = InFlight(IN_FLIGHT_BYTES_MAX)
        self._turn = threading.Lock()
        self._building = threading.Lock()
        self._indexes: WeakKeyDictionary[PlantView, Indexed] = WeakKeyDictionary()

    def index(self, plant: PlantView) -> TagIndex:
        """The tags as they are now; made anew when they are others."""
        with self._building:
            of, count = plant.tags_stamp()
            known = self._indexes.get(plant)
            if known is None or of is not known.of or count != known.count:
                known = self._indexes[plant] = Indexed(of, count, TagIndex(plant.tags()))
            return known.index

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Large tables are worked on one after another: each takes memory. Raises Busy."""
        if not self._turn.acquire(timeout=TAKES_TURNS_S):
            raise Busy(
                "tag-tables-busy",
                Text("Another tag table is being worked on.", "正在处理另一个标签表。"),
                Text("Try again in a minute.", "请一分钟后重试。"),
            )
        try:
            yield
        finally:
            self._turn.release()


def _work(request: Request) -> TagWork:
    work: TagWork = request.app.state.tag_work
    return work


Work = Annotated[TagWork, Depends(_work)]
