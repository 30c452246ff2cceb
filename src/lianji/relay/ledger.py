"""The hub's ledger: of each lane of each edge, the last record that is durable here.

Free of I/O: it judges a request by the marks in it, and is told what became durable. Its rows are
the table's application transactions and the sources in the spool behind them; nothing else says
how far a lane has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lianji.relay.lanes import NOTHING, THINNED, Lane, Mark


@dataclass(frozen=True, slots=True)
class Take:
    """Take the records from this place on; those before it are here already."""

    start: int


@dataclass(frozen=True, slots=True)
class Had:
    """All of it came before. The edge looks whether it knows the record of ``mark``."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class Parted:
    """Another history speaks: a restored image, a clone, or an edge that is too new for us."""

    mark: Mark


Verdict = Take | Had | Parted


class Ledger:
    """Not thread-safe: the loop that receives owns it."""

    def __init__(self, rows: Mapping[tuple[str, str, int], tuple[int, int]] | None = None) -> None:
        """``rows``: (edge, epoch, start of lane) -> (sequence, check)."""
        self._edges: dict[str, dict[Lane, Mark]] = {}
        for (edge, epoch, start), (sequence, check) in (rows or {}).items():
            self.arrived(edge, Lane(epoch, start), Mark(sequence, check))

    def mark(self, edge: str, lane: Lane) -> Mark:
        return self._edges.get(edge, {}).get(lane, NOTHING)

    def lanes(self, edge: str, epoch: str | None = None) -> dict[Lane, Mark]:
        """What is known of an edge, by lane."""
        lanes = self._edges.get(edge, {})
        return {lane: lanes[lane] for lane in sorted(lanes) if epoch in (None, lane.epoch)}

    def edges(self) -> Iterable[str]:
        return list(self._edges)

    def judge(self, edge: str, lane: Lane, previous: Mark, records: Sequence[Mark]) -> Verdict:
        """What to do with consecutive records, at least one, whose predecessor is ``previous``."""
        here = self.mark(edge, lane)
        first, last = records[0].sequence, records[-1].sequence
        if first < lane.start or self._overlaps(edge, lane, last):
            return Parted(here)
        if previous == here:
            return Take(0)
        for place, record in enumerate(records):
            if record.sequence == here.sequence:
                return self._behind(here, record, place, records)
        return Had(here) if last < here.sequence else Parted(here)

    @staticmethod
    def _behind(here: Mark, record: Mark, place: int, records: Sequence[Mark]) -> Verdict:
        if record.check not in (here.check, THINNED):
            return Parted(here)
        return Take(place + 1) if place + 1 < len(records) else Had(here)

    def _overlaps(self, edge: str, lane: Lane, last: int) -> bool:
        """Whether a lane would grow into one that begins behind it, or begins within one."""
        return any(
            lane.start < other.start <= last or other.start < lane.start <= mark.sequence
            for other, mark in self._edges.get(edge, {}).items()
            if other.epoch == lane.epoch
        )

    def forget(self, edge: str) -> None:
        """Another process has looked after this edge: what it has come to is to be read anew."""
        self._edges.pop(edge, None)

    def arrived(self, edge: str, lane: Lane, mark: Mark) -> None:
        """This record is durable here. A mark never goes back."""
        lanes = self._edges.setdefault(edge, {})
        if mark.sequence > lanes.get(lane, NOTHING).sequence:
            lanes[lane] = mark
