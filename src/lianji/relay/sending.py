"""The edge's book: which stretches of its spool are with the hub, and which go next.

Free of I/O: it is told what the hub has, what is durable here and what was answered, and asks for
checks of its own records through a function. ``uplink`` does what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lianji.relay.lanes import NOTHING, THINNED, Mark

CheckOf = Callable[[int], int | None]
"""The check of an own record; THINNED if it was thinned; None if the spool has it no more."""
LANES_MAX = 64
"""More lanes than this are not begun while so many wait: a line that breaks each minute must not
leave a trail of them."""


class HistoriesParted(Exception):
    """The hub has records under our name that are not ours: we are an old image, or a clone."""

    def __init__(self, start: int, mark: Mark) -> None:
        super().__init__(start, mark)
        self.start = start
        self.mark = mark


@dataclass(slots=True)
class Stretch:
    """One lane as its edge sees it."""

    start: int
    end: int | None
    """Its last sequence; None while it is open."""
    mark: Mark = NOTHING
    """What the hub has of it."""
    looked: int = 0
    """Up to here the spool has nothing more of it than what is with the hub."""

    @property
    def after(self) -> int:
        """What is to be sent lies behind this sequence."""
        return max(self.mark.sequence, self.start - 1, self.looked)

    @property
    def is_done(self) -> bool:
        return self.end is not None and self.after >= self.end


def _is_inside(start: int, there: Mapping[int, Mark]) -> bool:
    """Whether the hub has this record in a lane that began before: then a book that was lost began
    anew there, and no lane begins at it."""
    return start not in there and any(
        first < start <= mark.sequence for first, mark in there.items()
    )


class Book:
    """Lanes of one epoch, in order; the last is open. One thread at a time."""

    def __init__(self, first: int = 1) -> None:
        """A book that begins at this sequence."""
        self._lanes = [Stretch(max(1, first), None)]

    @property
    def lanes(self) -> list[Stretch]:
        return list(self._lanes)

    @property
    def live(self) -> Stretch:
        """Where what comes now is sent."""
        return self._lanes[-1]

    @property
    def backlog(self) -> list[Stretch]:
        """Closed lanes that are not done, oldest first: the spool's cap takes the oldest first."""
        return [lane for lane in self._lanes[:-1] if not lane.is_done]

    @property
    def position(self) -> int:
        """Everything up to this sequence is with the hub."""
        for lane in self._lanes:
            if not lane.is_done:
                return lane.after
        return self.live.after

    # -- what happens ----------------------------------------------------------------------

    def agree(self, there: Mapping[int, Mark], durable: int, check_of: CheckOf) -> None:
        """Take the hub's word for what it has, if its records are ours.

        ``there``: the hub's marks of this epoch by the starts of their lanes. Raises
        HistoriesParted. A hub that has less than we knew is believed: what it lacks is offered
        again, as far as the spool still has it.
        """
        for start, mark in there.items():
            self._compare(start, mark, durable, check_of)
        before = {lane.start: lane for lane in self._lanes}
        starts = sorted({*there, *(start for start in before if not _is_inside(start, there))})
        ends = [*(start - 1 for start in starts[1:]), None]
        self._lanes = [
            Stretch(start, end, there.get(start, NOTHING))
            for start, end in zip(starts, ends, strict=True)
        ]
        for lane in self._lanes:
            known = before.get(lane.start)
            if known is not None and lane.mark.sequence >= known.mark.sequence:
                lane.looked = known.looked

    def _compare(self, start: int, mark: Mark, durable: int, check_of: CheckOf) -> None:
        if mark.sequence > durable:
            raise HistoriesParted(start, mark)
        mine = check_of(mark.sequence)
        if mine is None:
            known = next((one.mark for one in self._lanes if one.start == start), NOTHING)
            mine = known.check if known.sequence == mark.sequence else None
        if mine not in (None, THINNED, mark.check):
            raise HistoriesParted(start, mark)

    def answered(self, start: int, mark: Mark, durable: int, check_of: CheckOf) -> None:
        """Take the hub's yes up to there, if that record is ours.

        A copy that lags is told a mark which it does not have yet, and must not take it for its
        own. Raises HistoriesParted.
        """
        self._compare(start, mark, durable, check_of)
        self.arrived(start, mark)

    def split(self, durable: int) -> bool:
        """Close the open lane here, so that what comes from now on goes first; False if not.

        The book must be on disk before anything is sent under the new lane's name: a split that
        was forgotten would let the old lane grow over it, and a late request would count twice.
        """
        live = self.live
        if durable <= live.after or len(self.backlog) >= LANES_MAX:
            return False
        live.end = durable
        self._lanes.append(Stretch(durable + 1, None))
        return True

    def arrived(self, start: int, mark: Mark) -> None:
        """The hub said yes up to here."""
        for lane in self._lanes:
            if lane.start == start and mark.sequence > lane.mark.sequence:
                lane.mark = mark

    def nothing_up_to(self, start: int, sequence: int) -> None:
        """The spool holds nothing that is still to be sent of this lane, up to this sequence."""
        for lane in self._lanes:
            if lane.start == start:
                lane.looked = max(lane.looked, min(sequence, lane.end or sequence))

    def forget(self, oldest: int) -> None:
        """Done lanes of which the spool holds nothing any more need no line here."""
        keep = [lane for lane in self._lanes[:-1] if not lane.is_done or (lane.end or 0) >= oldest]
        self._lanes = [*keep, self.live]

    # -- on disk ---------------------------------------------------------------------------

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"start": lane.start, "end": lane.end, "mark": str(lane.mark)} for lane in self._lanes
        ]

    @classmethod
    def of_json(cls, lanes: list[dict[str, Any]]) -> Book:
        """Raises KeyError, TypeError, ValueError, InputError for what is no book."""
        book = cls()
        book._lanes = [Stretch(one["start"], one["end"], Mark.parse(one["mark"])) for one in lanes]
        if not book._lanes or book.live.end is not None:
            raise ValueError("the last lane must be open")
        return book
