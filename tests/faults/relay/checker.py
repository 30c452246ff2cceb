"""The one checker at the end of every fault: what the edge's spool said yes to is in the hub's
table exactly once, or a gap that the hub has tells of it, and nothing came twice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from lianji.node.folder import PlantFolder
from lianji.spool.record import Gap, Kind, Record, decode_batch, decode_gap
from lianji.spool.segment import list_segments, scan_file
from tests.faults.conftest import table_by_duckdb
from tests.faults.ledger import START_US, Ledger, Sending

Marks = dict[tuple[str, int], int]


@dataclass
class Arrived:
    """What lies in the files of a hub's spool, which keeps all."""

    marks: Marks = field(default_factory=dict)
    """By epoch and start of lane: the last sequence."""
    gaps: list[Gap] = field(default_factory=list)
    doubled: int = 0
    numbers: set[int] = field(default_factory=set)
    went_back: list[str] = field(default_factory=list)


def arrived(hub: PlantFolder) -> Arrived:
    found = Arrived()
    keys = [np.empty(0, np.int64)]
    for segment in list_segments(hub.spool):
        for _, record in scan_file(segment.path):
            if not isinstance(record, Record) or record.kind is Kind.TAGS:
                continue
            if record.kind is Kind.GAP:
                content: Gap = decode_gap(record)
                found.gaps.append(content)
                sources = content.sources
            else:
                batch = decode_batch(record)
                sources = batch.sources
                numbers = batch.times_us - START_US
                found.numbers.update(numbers.tolist())
                keys.append(batch.tags.astype(np.int64) << 48 | numbers)
            for one in sources:
                if one.sequence <= found.marks.get((one.epoch, one.lane), 0):
                    found.went_back.append(f"{one.lane}: {one.sequence}")
                found.marks[one.epoch, one.lane] = one.sequence
    everything = np.concatenate(keys)
    found.doubled = len(everything) - len(np.unique(everything))
    return found


def problems(hub: PlantFolder, ledger: Ledger, excused: Collection[Sending] = ()) -> list[str]:
    """What the hub misses, doubles or invents, in its table and on the way to it; [] if the promise
    holds. ``excused`` are those of which a gap tells."""
    seen = arrived(hub)
    promised = Ledger(ledger.sent, ledger.acknowledged - set(excused))
    wrong = promised.problems(table_by_duckdb(hub.root))
    if seen.doubled:
        wrong.append(f"{seen.doubled} samples came twice")
    if seen.went_back:
        wrong.append(f"lanes went back: {seen.went_back[:5]}")
    return wrong


def told_by_gaps(gaps: Collection[Gap], sequences: dict[int, Sending]) -> set[Sending]:
    """What lies within the sequences of gaps."""
    return {
        sending
        for sequence, sending in sequences.items()
        if any(gap.first <= sequence <= gap.last for gap in gaps)
    }


def lost_rows(hub: PlantFolder, ledger: Ledger) -> int:
    """How many acknowledged samples the hub's table does not have."""
    table = table_by_duckdb(hub.root)
    return ledger.samples - len(table)
