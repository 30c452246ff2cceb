"""Mending what differs: the edge sends again what it has, then the hub gives back what it lost.

In this order: where both have a sample of one time the edge is right, and after it has sent, all
that the hub has beyond it is what the edge has lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lianji.history.digest import HOUR_US, samples_of
from lianji.node.reconciling.answering import table_of
from lianji.relay.reconcile.comparing import Cells

if TYPE_CHECKING:
    from lianji.node.reconciling.comparison import Hub
    from lianji.node.reconciling.edge_asked import EdgeAsked
    from lianji.relay.reconcile.run import Run

ROWS_A_TIME = 300_000
"""So many samples are on their way at most; the next ones go when these are on disk."""
Group = dict[str, Any]
"""``tags``, ``start_us``, ``end_us``: all samples of some tags in some hours."""


class Mending:
    def __init__(self, hub: Hub, edge: EdgeAsked, run: Run) -> None:
        self._hub, self._edge, self._run = hub, edge, run

    async def send(self, cells: Cells, which: NDArray[np.bool_]) -> None:
        """Have the edge send these hours again, as far as it has something there."""
        names = [pair.there for pair in cells.pairs]
        some = which & (cells.there > 0)
        for groups in batches(names, cells.start_us, cells.there, some, ROWS_A_TIME):
            self._run.to_hub += await self._edge.resend(groups)

    async def give_back(self, cells: Cells, which: NDArray[np.bool_]) -> bool:
        """Give the edge what the hub has in these hours; False if there is nothing."""
        names = [pair.here for pair in cells.pairs]
        called = {pair.here: pair.there for pair in cells.pairs}
        given = False
        some = which & (cells.here > 0)
        for groups in batches(names, cells.start_us, cells.here, some, ROWS_A_TIME):
            for group in groups:
                content = await asyncio.get_running_loop().run_in_executor(
                    self._hub.thread, self._content, group, called
                )
                offer = self._hub.offers.put(self._edge.edge, content)
                try:
                    self._run.to_edge += await self._edge.restore(offer)
                finally:
                    self._hub.offers.drop(offer)
                given = True
        return given

    def _content(self, group: Group, called: Mapping[str, str]) -> bytes:
        rows = samples_of(self._hub.history, group["tags"], group["start_us"], group["end_us"])
        return table_of(rows, [called[path] for path in group["tags"]])


def batches(
    names: Sequence[str],
    start_us: int,
    counts: NDArray[np.int64],
    which: NDArray[np.bool_],
    rows_max: int,
) -> Iterator[list[Group]]:
    """The marked hours of tags as groups, in batches of about so many samples: tags that need the
    same hours are one group."""
    batch: dict[tuple[int, int], list[str]] = {}
    rows = 0
    for tag, first, last, count in _runs(counts, which, rows_max):
        if batch and rows + count > rows_max:
            yield _groups(batch, start_us)
            batch, rows = {}, 0
        batch.setdefault((first, last), []).append(names[tag])
        rows += count
    if batch:
        yield _groups(batch, start_us)


def _groups(batch: Mapping[tuple[int, int], list[str]], start_us: int) -> list[Group]:
    return [
        {"tags": tags, "start_us": start_us + first * HOUR_US, "end_us": start_us + last * HOUR_US}
        for (first, last), tags in batch.items()
    ]


def _runs(
    counts: NDArray[np.int64], which: NDArray[np.bool_], rows_max: int
) -> Iterator[tuple[int, int, int, int]]:
    """Tag, first hour, hour behind the last, samples: neighbouring marked hours as one, but cut
    where they would be too many."""
    for tag in np.flatnonzero(which.any(axis=1)).tolist():
        first = last = rows = 0
        for hour in np.flatnonzero(which[tag]).tolist():
            count = int(counts[tag, hour])
            if rows and (hour > last or rows + count > rows_max):
                yield tag, first, last, rows
                rows = 0
            if not rows:
                first = hour
            last, rows = hour + 1, rows + count
        if rows:
            yield tag, first, last, rows
