"""One comparison of one edge with its hub: by tag and day, and by hour where the days differ.

It goes through time in windows and mends each before the next, so what it holds and what is on its
way is bounded whether a day or ten years are missing. A run that breaks off has lost nothing: the
next one finds what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.history.digest import (
    DAY_US,
    HOUR_US,
    Digest,
    digest,
    fitting,
    reach,
    steps_in,
)
from lianji.node.reconciling.answering import CELLS_MAX, ROWS_AT_ONCE
from lianji.node.reconciling.mending import Mending
from lianji.relay.reconcile.comparing import (
    Cells,
    Difference,
    Keep,
    Naming,
    Outcome,
    Pair,
    pairs_of,
    under_way,
)

if TYPE_CHECKING:
    from lianji.history.history import History
    from lianji.node.reconciling.edge_asked import About, EdgeAsked, Told
    from lianji.relay.reconcile.offers import Offers
    from lianji.relay.reconcile.run import Run

MARGIN_US = 60_000_000
"""The newest minute is left alone: its samples may still be on their way from the machines."""
WINDOW_DAYS_MAX = 16
WINDOW_ROWS = 1_000_000
"""A window with more than this is not made longer."""
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Hub:
    """What the hub's side of a comparison needs."""

    history: History
    paths: Callable[[], Sequence[str]]
    keep: Keep
    offers: Offers
    thread: Executor


@dataclass(frozen=True, slots=True)
class Wanted:
    """From when to when, None where it was not said; ``days`` is what is meant then."""

    from_us: int | None
    to_us: int | None
    days: float
    everything: bool = False


class Comparison:
    """Made for one run."""

    def __init__(
        self,
        hub: Hub,
        edge: EdgeAsked,
        naming: Naming,
        others: Sequence[Naming],
        run: Run,
        keep: Callable[[Run, Sequence[Difference]], None],
    ) -> None:
        """``keep`` saves how far the run is and what it found; it blocks."""
        self._hub, self._edge, self._run, self._save = hub, edge, run, keep
        self._naming, self._others = naming, others
        self._about: About
        self._pairs: list[Pair] = []
        self.outcomes: set[Outcome] = set()
        """What became of differences so far."""

    async def go(self, wanted: Wanted) -> None:
        """Compare, and mend if the run is to. Raises LianjiError: then the run keeps what it did
        until there."""
        self._about = await self._edge.about()
        self._naming = replace(self._naming, own_site=self._about.site)
        self._pairs = self._all_pairs()
        run = self._run
        run.tags = len(self._pairs)
        run.from_us, run.to_us = await self._quietly(self._range, wanted)
        run.done_us = run.from_us
        await self._keep([])
        days = 1
        while run.done_us < run.to_us:
            day = run.done_us // DAY_US
            until_us = min(run.to_us, (day + days) * DAY_US)
            rows = await self._window(run.done_us, until_us)
            days = min(WINDOW_DAYS_MAX, 2 * days) if rows < WINDOW_ROWS else max(1, days // 2)

    def _all_pairs(self) -> list[Pair]:
        about = self._about
        pairs = pairs_of(self._naming, about.paths, self._hub.paths(), self._others)
        if not about.patterns:
            return pairs
        return [p for p in pairs if any(fnmatchcase(p.there, one) for one in about.patterns)]

    def _range(self, wanted: Wanted) -> tuple[int, int]:
        """Whole hours. Blocks."""
        now = min(now_us(), self._about.now_us) - MARGIN_US
        to_us = now if wanted.to_us is None else min(wanted.to_us, now)
        from_us = wanted.from_us
        if from_us is None and wanted.everything:
            ends = [self._about.reach, reach(self._hub.history, [p.here for p in self._pairs])]
            from_us = min((one[0] for one in ends if one is not None), default=to_us)
        elif from_us is None:
            from_us = int(to_us - wanted.days * DAY_US)
        to_us = to_us // HOUR_US * HOUR_US
        return min(from_us // HOUR_US * HOUR_US, to_us), to_us

    async def _keep(self, found: Sequence[Difference]) -> None:
        await asyncio.to_thread(self._save, self._run, found)

    # -- a window of time --------------------------------------------------------------------

    async def _window(self, start_us: int, end_us: int) -> int:
        """Compare and mend some days; how many samples the fuller side has."""
        steps = steps_in(start_us, end_us, DAY_US)
        differing: list[Pair] = []
        here_rows = there_rows = 0
        for some in _parts(self._pairs, max(1, CELLS_MAX // steps)):
            there = (await self._there(some, start_us, end_us, DAY_US)).digest
            here = await self._here(some, start_us, end_us, DAY_US)
            here_rows, there_rows = here_rows + here.rows, there_rows + there.rows
            differ = here.differs(there).any(axis=1)
            differing += [some[place] for place in np.flatnonzero(differ).tolist()]
        hours = steps_in(start_us, end_us, HOUR_US)
        for some in _parts(differing, max(1, CELLS_MAX // hours)):
            await self._hours(some, start_us, end_us)
        self._run.rows_here += here_rows
        self._run.rows_there += there_rows
        self._run.done_us = end_us
        await self._keep([])
        return max(here_rows, there_rows)

    async def _hours(self, pairs: Sequence[Pair], start_us: int, end_us: int) -> None:
        """Name the hours in which these tags differ, and mend them."""
        cells, moving = await self._cells(pairs, start_us, end_us)
        if not cells.differ.any():
            return
        todo = cells.differ & ~moving
        if not self._run.repair or not todo.any():
            await self._tell(cells, [(moving, Outcome.UNDER_WAY)], Outcome.FOUND)
            return
        mending = Mending(self._hub, self._edge, self._run)
        try:
            await mending.send(cells, todo)
            left, _ = await self._cells(pairs, start_us, end_us)
            if await mending.give_back(left, todo & left.differ):
                left, _ = await self._cells(pairs, start_us, end_us)
        except LianjiError as error:
            await self._tell(cells, [(moving, Outcome.UNDER_WAY)], Outcome.LEFT, error.code)
            raise
        mended = todo & ~left.differ
        told = [(moving, Outcome.UNDER_WAY), (mended, Outcome.REPAIRED)]
        await self._tell(cells, told, Outcome.LEFT, self._why())

    async def _tell(
        self,
        cells: Cells,
        outcomes: Sequence[tuple[NDArray[np.bool_], Outcome]],
        rest: Outcome,
        reason: str = "",
    ) -> None:
        """Keep what was found, with what became of it."""
        found = list(cells.differences(outcomes, rest, reason))
        self.outcomes.update(one.outcome for one in found)
        await self._keep(found)

    def _why(self) -> str:
        """Why a difference may be left after both have given what they have."""
        return "unreadable" if self._run.unreadable else "still_differs"

    # -- digests -----------------------------------------------------------------------------

    async def _cells(
        self, pairs: Sequence[Pair], start_us: int, end_us: int
    ) -> tuple[Cells, NDArray[np.bool_]]:
        """Both sides by hour, and which hours are still under way. The hub is looked at before and
        after the edge, for meanwhile samples come: what agrees with either is no difference."""
        before = await self._here(pairs, start_us, end_us, HOUR_US)
        told = await self._there(pairs, start_us, end_us, HOUR_US)
        after = await self._here(pairs, start_us, end_us, HOUR_US)
        differ = before.differs(told.digest) & after.differs(told.digest)
        differ &= ~self._given_up(pairs, start_us, differ.shape[1])
        cells = Cells(pairs, start_us, after.counts, told.digest.counts, differ)
        moving = under_way(start_us, differ.shape[1], told.under_way)
        return cells, differ & moving

    async def _there(self, pairs: Sequence[Pair], start_us: int, end_us: int, step_us: int) -> Told:
        told = await self._edge.digest([pair.there for pair in pairs], start_us, end_us, step_us)
        self._note_unreadable(told.unreadable)
        return told

    async def _here(
        self, pairs: Sequence[Pair], start_us: int, end_us: int, step_us: int
    ) -> Digest:
        """In parts, between which the hub may end."""
        history, paths = self._hub.history, [pair.here for pair in pairs]
        found = Digest.none(len(paths), steps_in(start_us, end_us, step_us))
        at = 0
        while at < len(paths):
            some, part = await self._quietly(
                _part_of, history, paths[at:], start_us, end_us, step_us
            )
            found.put(at, part)
            at += some
        self._note_unreadable(sorted(self._hub.history.unreadable)[:20])
        return found

    def _note_unreadable(self, files: Sequence[str]) -> None:
        known = self._run.unreadable
        known += [file for file in files if file not in known][: max(0, 20 - len(known))]

    def _given_up(self, pairs: Sequence[Pair], start_us: int, hours: int) -> NDArray[np.bool_]:
        """Hours that one side keeps no longer, as it was told to."""
        now = now_us()
        hub, edge = self._hub.keep, self._about.keep
        kept = [max(hub.from_us(p.here, now), edge.from_us(p.there, now)) for p in pairs]
        starts = start_us + np.arange(hours, dtype=np.int64) * HOUR_US
        return np.asarray(starts[None, :] < np.array(kept, np.int64)[:, None])

    async def _quietly(self, do: Callable[..., Found], *arguments: object) -> Found:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hub.thread, partial(do, *arguments))


def _part_of(
    history: History, paths: Sequence[str], start_us: int, end_us: int, step_us: int
) -> tuple[int, Digest]:
    """The digest of the first paths, as many as are read in a second or two, and how many."""
    count = min(len(paths), fitting(history, paths, start_us, end_us, ROWS_AT_ONCE))
    return count, digest(history, paths[:count], start_us, end_us, step_us)


def _parts(pairs: Sequence[Pair], size: int) -> Iterator[Sequence[Pair]]:
    return (pairs[at : at + size] for at in range(0, len(pairs), size))
