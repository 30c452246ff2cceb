"""Deliveries that come twice, late, in any order, or from a copy, into a hub that restarts: each
record is taken once, and each answer is the one that the decision names.

``LIANJI_DELIVERIES`` sets how many (20,000).
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.relay.aside import Aside
from lianji.relay.lanes import NOTHING, Lane, Mark
from lianji.relay.ledger import Ledger
from lianji.relay.receiving import Receiving, RelayParted, Sender, Yes
from lianji.relay.wire import records_of
from lianji.spool.record import encode_batch, encode_tags
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

DELIVERIES = int(os.environ.get("LIANJI_DELIVERIES", "20000"))
LANES_AT_ONCE = 24
AT_ONCE = 48
RECORDS = 40
RESTART_EVERY = max(4_000, DELIVERIES // 10)


@dataclass
class Chain:
    """The records of one lane, those that a copy of its edge has instead, and how far the hub is
    if it does as it should."""

    edge: str
    lane: Lane
    first_number: int
    own: list[bytes] = field(default_factory=list)
    copies: list[bytes] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    copy_marks: list[Mark] = field(default_factory=list)
    taken: int = 0

    def __post_init__(self) -> None:
        sequence = self.lane.start
        for place in range(RECORDS):
            for raws, marks in ((self.own, self.marks), (self.copies, self.copy_marks)):
                batch = Batch.of([0], [self.first_number + place], [1.0], origin="device/m")
                raws.append(b"".join(encode_batch(sequence, batch)))
                [record] = records_of(memoryview(raws[-1]))
                marks.append(Mark(sequence, record.check))
            sequence += 1 + place % 3  # numbers may be missing inside a lane

    def delivery(self, random: Random) -> tuple[Mark, bytes, Mark | None]:
        """A previous mark, a body, and what is to be answered: a mark, or None for 409."""
        first = max(0, min(RECORDS - 1, self.taken + random.randint(-20, 1)))
        if random.random() < 0.03 and self.taken < RECORDS:
            first = self.taken
        last = min(RECORDS, first + random.randint(1, 6))
        a_copy = self.taken > 0 and random.random() < 0.1
        raws, marks = (self.copies, self.copy_marks) if a_copy else (self.own, self.marks)
        previous = marks[first - 1] if first else NOTHING
        return previous, b"".join(raws[first:last]), self._answer(first, last, a_copy)

    @property
    def tags(self) -> bytes:
        return b"".join(encode_tags(0, [0], [f"{self.edge}/line/value"]))

    def _answer(self, first: int, last: int, a_copy: bool) -> Mark | None:
        here = self.marks[self.taken - 1] if self.taken else NOTHING
        if last < self.taken:
            return here
        if first > self.taken or (a_copy and first <= self.taken):
            return None
        self.taken = last
        return self.marks[last - 1]


class Hub:
    """The receiving side over a real spool."""

    def __init__(self, folder: Path) -> None:
        self.names = TagIds.open(folder / "tag-ids.tsv")
        settings = SpoolSettings(commit_ms=0)
        self.spool = Spool(folder / "spool", settings, self.names.path_of)
        self._aside = Aside(folder / "aside")
        self.restart()

    def restart(self) -> None:
        """As after a crash: what is known is what the spool tells."""
        rows = {
            (one.edge, one.epoch, one.lane): (one.sequence, one.check)
            for entry in self.spool.after(0)
            for one in entry.content.sources
        }
        self.receiving = Receiving(self.spool, self.names, Ledger(rows), self._aside)


@pytest.mark.timeout(120 + DELIVERIES // 200)
async def test_whatever_is_delivered_each_record_is_taken_once(tmp_path: Path) -> None:
    random = Random(1)
    hub = Hub(tmp_path)
    chains = [new_chain(n) for n in range(LANES_AT_ONCE)]
    done: list[Chain] = []
    delivered = 0
    try:
        while delivered < DELIVERIES:
            wanted, asked = [], []
            for chain in random.choices(chains, k=AT_ONCE):
                previous, body, answer = chain.delivery(random)
                wanted.append(answer)
                sender = Sender(chain.edge, (chain.edge,))
                if not hub.receiving.known_tags(sender, chain.lane.epoch):
                    body = chain.tags + body
                asked.append(hub.receiving.put(sender, chain.lane, previous, memoryview(body)))
            got = await asyncio.gather(*asked, return_exceptions=True)
            assert [marked(one) for one in got] == wanted
            delivered += AT_ONCE
            for place, chain in enumerate(chains):
                if chain.taken == RECORDS and random.random() < 0.1:
                    done.append(chain)
                    chains[place] = new_chain(len(done) + LANES_AT_ONCE)
            if delivered % RESTART_EVERY < AT_ONCE:
                hub.restart()
        check(hub, [*done, *chains])
    finally:
        hub.spool.close()
    print(f"{delivered} deliveries, {len(done)} lanes done")
    assert len(done) > DELIVERIES // 2_000


def new_chain(number: int) -> Chain:
    """Lanes of a few edges, one behind the other."""
    lane = Lane(f"{number % 5:032x}", 1 + number * 1_000)
    return Chain(f"e{number % 3}", lane, number * 1_000)


def marked(answer: Yes | BaseException) -> Mark | None:
    if isinstance(answer, RelayParted):
        return None
    assert isinstance(answer, Yes), answer
    return answer.mark


def check(hub: Hub, chains: list[Chain]) -> None:
    found = Counter(
        number
        for entry in hub.spool.after(0)
        if isinstance(entry.content, Batch)
        for number in entry.content.times_us.tolist()
    )
    wanted = {chain.first_number + place for chain in chains for place in range(chain.taken)}
    assert set(found) == wanted
    assert max(found.values()) == 1
