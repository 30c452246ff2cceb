"""The ledger of what edges relayed, as a table's application transactions tell it.

A commit that brings the rows of relayed records also says of each lane its last sequence, and the
check of the record with that. So data and the proof that they arrived are one commit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from lianji.dictionary.source import Source
from lianji.spool.record import sources_of
from lianji.spool.spool import Spool

Lane = tuple[str, str, int]
"""Edge, epoch of its spool, and the sequence at which the lane begins."""
Ledger = dict[Lane, tuple[int, int]]
"""Of each lane the last sequence, and the check of that record (unsigned, 64 bit)."""

_NAME = re.compile(r"lianji/relay/(?P<edge>.+)/(?P<epoch>[0-9a-f]{32})\.(?P<lane>\d+)", re.DOTALL)
CHUNK_BYTES = 8 << 20
_CHECK = "/check"
_SIGN = 1 << 63


def source_name(site: str, epoch: str) -> str:
    """The application id under which a spool's own sequences are committed."""
    return f"lianji/{site}/{epoch}"


def lane_of(source: Source) -> Lane:
    return source.edge, source.epoch, source.lane


def name_of(lane: Lane) -> str:
    """The application id of a lane."""
    edge, epoch, start = lane
    return f"lianji/relay/{edge}/{epoch}.{start}"


def last_of_lanes(sources: Iterable[Source]) -> Ledger:
    """The ledger of some records."""
    found: Ledger = {}
    for source in sources:
        if source.sequence >= found.get(lane_of(source), (0, 0))[0]:
            found[lane_of(source)] = (source.sequence, source.check)
    return found


def sources_behind(spool: Spool, position: int) -> Iterator[Source]:
    """Of which records of which edges the spool's records behind a sequence are; their samples are
    not decoded for it."""
    last = spool.durable
    while position < last:
        records = spool.records(position + 1, last, CHUNK_BYTES)
        if not records:
            return
        for record in records:
            yield from sources_of(record)
        position = records[-1].sequence


def joined(one: Ledger, other: Ledger) -> Ledger:
    """Of each lane the entry that is farther on."""
    return {lane: max(it[lane] for it in (one, other) if lane in it) for lane in {**one, **other}}


def transactions(ledger: Ledger, committed: Callable[[str], int]) -> dict[str, int]:
    """The application transactions, two a lane, of those lanes that are farther on than what is
    committed under a name. The check is told as a signed number."""
    told: dict[str, int] = {}
    for lane, (sequence, check) in ledger.items():
        name = name_of(lane)
        if sequence > committed(name):
            told[name] = sequence
            told[name + _CHECK] = check - 2 * _SIGN if check >= _SIGN else check
    return told


def relayed(sequences: Mapping[str, int]) -> Ledger:
    """The ledger that a table's application transactions hold."""
    found: Ledger = {}
    for name, sequence in sequences.items():
        named = _NAME.fullmatch(name)
        check = sequences.get(name + _CHECK)
        if named is not None and check is not None:
            lane = (named["edge"], named["epoch"], int(named["lane"]))
            found[lane] = (sequence, check % (2 * _SIGN))
    return found
