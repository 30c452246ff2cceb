"""What is acknowledged and not yet in a file: kept in memory so that every question sees it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.batch import Batch
from lianji.dictionary.source import Source
from lianji.history.rows import Rows
from lianji.spool.record import Gap


@dataclass(slots=True)
class Held:
    """A batch in memory, the sequence that brought it, and since when it waits (monotonic)."""

    sequence: int
    batch: Batch
    since_ns: int


class Memory:
    """Batches in order of arrival. Guarded by its historian's lock."""

    def __init__(self) -> None:
        self.held: list[Held] = []
        self.rows = 0
        self.sequence = 0
        """The last sequence that was taken, whether it held samples or told of a gap."""
        self._gaps: list[tuple[int, Source]] = []

    def take(self, sequence: int, batch: Batch) -> None:
        self.held.append(Held(sequence, batch, time.monotonic_ns()))
        self.rows += len(batch)

    def take_gap(self, sequence: int, gap: Gap) -> None:
        self._gaps += [(sequence, source) for source in gap.sources]

    def sources_up_to(self, sequence: int) -> list[Source]:
        """Of all that was relayed, batches and gaps, up to a sequence."""
        found = [(one.sequence, source) for one in self.held for source in one.batch.sources]
        return [source for number, source in (*found, *self._gaps) if number <= sequence]

    def oldest(self, rows: int) -> tuple[list[Held], int]:
        """The first batches, together about so many rows, and the sequence that they end with."""
        some: list[Held] = []
        count = 0
        for held in self.held:
            if some and count + len(held.batch) > rows:
                return some, some[-1].sequence
            some.append(held)
            count += len(held.batch)
        return some, self.sequence

    def drop_up_to(self, sequence: int) -> None:
        """These are in the table now."""
        self.held = [held for held in self.held if held.sequence > sequence]
        self.rows = sum(len(held.batch) for held in self.held)
        self._gaps = [(number, source) for number, source in self._gaps if number > sequence]

    @property
    def age_s(self) -> float:
        return (time.monotonic_ns() - self.held[0].since_ns) / 1e9 if self.held else 0.0


def rows_of_tags(
    batches: Sequence[Batch], ids: NDArray[np.int32], start_us: int, end_us: int
) -> Rows:
    """The samples of these tag ids between two times (both included), in order of arrival.

    ``Rows.tag`` are places in ``ids``; -1 in ``ids`` stands for a tag that has no id yet.
    """
    known = np.flatnonzero(ids >= 0).astype(np.int32)
    if not len(known) or not batches:
        return Rows.none()
    place = np.full(int(ids.max()) + 2, -1, np.int32)
    place[ids[known]] = known
    parts = []
    for batch in batches:
        rows = Rows.of_batch(batch)
        codes = place[np.minimum(rows.tag, len(place) - 1)]
        keep = (codes >= 0) & (rows.time_us >= start_us) & (rows.time_us <= end_us)
        if keep.any():
            part = rows.take(keep)
            part.tag = codes[keep]
            parts.append(part)
    return Rows.concat(parts)
