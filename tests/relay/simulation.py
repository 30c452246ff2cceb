"""An edge, a hub and a bad line in one thread, from one seed: the protocol without its I/O.

The book and the ledger are the real ones. Around them everything fails as the seed says: requests
and answers are lost, late, doubled and out of order, both sides crash and forget what was not
synced, both disks refuse, the edge's spool is full and drops or thins, its clock jumps and ends the
keep-time of all at once, the book on disk is an old one. At the end the line heals, and the checker
looks at every record.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from lianji.dictionary.source import Source
from lianji.history.relayed import joined, last_of_lanes, name_of, relayed, transactions
from lianji.relay.lanes import NOTHING, THINNED, Lane, Mark
from lianji.relay.ledger import Had, Ledger, Parted, Take
from lianji.relay.sending import Book, HistoriesParted, Stretch

EPOCH = "e" * 32
EDGE = "plant"


@dataclass(frozen=True, slots=True)
class Rec:
    sequence: int
    check: int
    level: int = 0
    gap: tuple[int, int] | None = None
    """This record tells that these sequences were dropped."""

    @property
    def mark(self) -> Mark:
        return Mark(self.sequence, THINNED if self.level else self.check)


@dataclass(frozen=True, slots=True)
class Put:
    sender: int
    """Which life of the edge asked: an answer to a dead one reaches nobody."""
    thread: str
    lane: Lane
    previous: Mark
    records: tuple[Rec, ...]


def _source(lane: Lane, record: Rec) -> Source:
    return Source(EDGE, lane.epoch, lane.start, record.sequence, record.check)


class Hub:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.log: list[tuple[Lane, Rec]] = []
        """What is durable, in the order of arrival."""
        self.ledger = Ledger()
        self.parted: list[Put] = []
        self.flushed = 0
        """So much of the log is in the table."""
        self.table: list[Rec] = []
        self.sources: dict[str, int] = {}
        """The table's application transactions."""
        self.asleep: list[list[tuple[Lane, Rec]]] = []
        """What each process that sleeps said yes to and has not flushed."""

    def crash(self) -> None:
        behind = last_of_lanes(_source(*one) for one in self.log[self.flushed :])
        self.ledger = Ledger(joined(relayed(self.sources), behind))

    def flush(self) -> None:
        """Some of the log into the table, with its transactions."""
        some = self.log[self.flushed : self.flushed + self.random.randrange(1, 20)]
        self.flushed += len(some)
        self._commit(some)

    def _commit(self, some: list[tuple[Lane, Rec]]) -> None:
        before = dict(self.sources)
        for lane, record in some:
            if record.sequence > before.get(name_of((EDGE, lane.epoch, lane.start)), 0):
                self.table.append(record)
        lanes = last_of_lanes(_source(*one) for one in some)
        self.sources.update(transactions(lanes, lambda name: before.get(name, 0)))

    def taken_over(self) -> None:
        """The process sleeps, and another looks after the edge with the table alone."""
        self.asleep.append(self.log[self.flushed :])
        del self.log[self.flushed :]
        self.crash()

    def wakes(self) -> None:
        """All that sleep, in any order."""
        self.random.shuffle(self.asleep)
        while self.asleep:
            self._commit(self.asleep.pop())

    def put(self, put: Put) -> Mark | HistoriesParted | None:
        """The answer; None if the disk refused or the power went before it."""
        verdict = self.ledger.judge(EDGE, put.lane, put.previous, [r.mark for r in put.records])
        if isinstance(verdict, Parted):
            self.parted.append(put)
            return HistoriesParted(put.lane.start, verdict.mark)
        if isinstance(verdict, Had):
            return verdict.mark
        assert isinstance(verdict, Take)
        for record in put.records[verdict.start :]:
            if self.random.random() < 0.02:
                return None  # the disk is full: what was before it stands
            self.log.append((put.lane, record))
            if self.random.random() < 0.02:
                self.crash()  # durable, and no yes
                return None
            self.ledger.arrived(EDGE, put.lane, Mark(record.sequence, record.check))
        return self.ledger.mark(EDGE, put.lane)


@dataclass
class Edge:
    random: Random
    life: int = 0
    spool: dict[int, Rec] = field(default_factory=dict)
    """What is durable and still there, by sequence."""
    durable: int = 0
    book: Book = field(default_factory=Book)
    saved: Book = field(default_factory=Book)
    agreed: bool = False
    parted: bool = False
    waiting: dict[str, Put | None] = field(default_factory=lambda: {"live": None, "backlog": None})
    made: dict[int, int] = field(default_factory=dict)
    """Every record that was ever durable: sequence -> check."""

    def disk_refuses(self) -> bool:
        return self.random.random() < 0.02

    def append(self, gap: tuple[int, int] | None = None) -> None:
        self.durable += 1
        record = Rec(self.durable, self.random.getrandbits(63), 0, gap)
        self.spool[self.durable] = record
        self.made[self.durable] = record.check

    def drop_oldest(self) -> None:
        """The cap, while the hub lags: a gap is told for what it never had."""
        if len(self.spool) < 3:
            return
        first = min(self.spool)
        last = first + self.random.randrange(3)
        lost = [seq for seq in range(first, last + 1) if seq in self.spool and seq < self.durable]
        told = [gap for seq in lost if (gap := self.spool.pop(seq).gap)]
        if lost and lost[-1] > self.book.position:
            self.append((min([lost[0], *(first for first, _ in told)]), lost[-1]))

    def release(self, share: float = 0.5) -> None:
        """The keep-time of some of what the hub has is over."""
        for sequence in list(self.spool):
            if sequence <= self.saved.position and self.random.random() < share:
                del self.spool[sequence]

    def clock_jumps(self) -> None:
        """By years: of all that the hub has the keep-time is over."""
        self.release(1.0)

    def thin(self) -> None:
        for sequence in sorted(self.spool)[:2]:
            record = self.spool[sequence]
            if record.gap is None and sequence > self.book.position:
                self.spool[sequence] = Rec(sequence, self.random.getrandbits(63), record.level + 1)

    def crash(self) -> None:
        self.life += 1
        self.agreed = False
        self.book = copy.deepcopy(self.saved)
        self.waiting = {"live": None, "backlog": None}

    def save(self) -> None:
        """The book to disk; if that refuses, the uplink's turn ends and it agrees anew."""
        self.book.forget(min(self.spool, default=self.durable))
        if self.disk_refuses():
            self.agreed = False
            return
        self.saved = copy.deepcopy(self.book)

    def check_of(self, sequence: int) -> int | None:
        record = self.spool.get(sequence)
        if record is None:
            return None
        return THINNED if record.level else record.check

    def agree(self, hub: Hub) -> None:
        lanes = hub.ledger.lanes(EDGE, EPOCH)
        there = {lane.start: mark for lane, mark in lanes.items()}
        try:
            self.book.agree(there, self.durable, self.check_of)
        except HistoriesParted:
            self.parted = True
            return
        self.agreed, self.parted = True, False
        self.save()

    def next(self, thread: str) -> Put | None:
        lanes = [self.book.live] if thread == "live" else self.book.backlog[:1]
        for lane in lanes:
            last = self.durable if lane.end is None else lane.end
            records = self.records(lane, last)
            if not records:
                self.book.nothing_up_to(lane.start, last)
                continue
            name = Lane(EPOCH, lane.start)
            return Put(self.life, thread, name, lane.mark, records)
        return None

    def records(self, lane: Stretch, last: int) -> tuple[Rec, ...]:
        wanted = [self.spool[s] for s in range(lane.after + 1, last + 1) if s in self.spool]
        return tuple(wanted[: self.random.randrange(1, 6)])

    def answered(self, put: Put, answer: Mark | HistoriesParted) -> None:
        if put.sender != self.life or self.waiting[put.thread] != put:
            return
        self.waiting[put.thread] = None
        if isinstance(answer, HistoriesParted):
            self.agreed = False  # it may be a late request of our own: the ledger tells
            return
        try:
            self.book.answered(put.lane.start, answer, self.durable, self.check_of)
        except HistoriesParted:
            self.agreed, self.parted = False, True


class World:
    """One edge and one hub from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.hub = Hub(self.random)
        self.edge = Edge(self.random)
        self.line: list[Put] = []
        self.answers: list[tuple[Put, Mark | HistoriesParted]] = []
        self.up = True
        self.loss = self.random.choice([0.0, 0.05, 0.3])
        self.full = True
        """Whether the edge's spool is full at times. (Of what it dropped or thinned nobody can tell
        whether the hub's mark is its own.)"""
        self.more: list[tuple[float, Callable[[], None]]] = []
        """What else may happen in a step, and how likely it is."""

    def run(self, steps: int = 300) -> None:
        for _ in range(steps):
            self.step()
        self.heal()

    def step(self) -> None:
        chance = self.random.random
        for _ in range(self.random.randrange(3)):
            if not self.edge.disk_refuses():
                self.edge.append()
        if chance() < 0.1:
            self.up = not self.up
        for odds, what in (
            (0.02, self.edge.crash),
            (0.02, self.hub.crash),
            (0.03 * self.full, self.edge.drop_oldest),
            (0.03 * self.full, self.edge.thin),
            (0.10, self.edge.release),
            (0.01, self.edge.clock_jumps),
            (0.30, self.edge.save),
            (0.15, self.hub.flush),
            *self.more,
        ):
            if chance() < odds:
                what()
        if chance() < 0.1 and self.edge.agreed:
            self.edge.book.split(self.edge.durable)
            self.edge.save()  # before the first request under its name: see Book.split
        self.ask()
        self.deliver()

    def ask(self) -> None:
        if not self.edge.agreed:
            if self.up:
                self.edge.agree(self.hub)
            return
        for thread in ("live", "backlog"):
            if self.edge.waiting[thread] is None and (put := self.edge.next(thread)):
                self.edge.waiting[thread] = put
                self.line.append(put)
            elif self.edge.waiting[thread] is not None and self.random.random() < 0.1:
                self.edge.waiting[thread] = None  # the time is over: the link counts as down
                self.edge.agreed = False

    def deliver(self) -> None:
        """Some of what is under way, in any order, some of it twice, some of it never."""
        if not self.up:
            return
        for put in [p for p in self.line if self.random.random() < 0.7]:
            if self.random.random() > 0.1:
                self.line.remove(put)
            if self.random.random() < self.loss:
                continue
            answer = self.hub.put(put)
            if answer is not None:
                self.answers.append((put, answer))
        for item in [a for a in self.answers if self.random.random() < 0.7]:
            self.answers.remove(item)
            if self.random.random() >= self.loss:
                self.edge.answered(*item)

    def heal(self) -> None:
        """A good line, and time enough."""
        self.up, self.loss = True, 0.0
        for _ in range(2_000):
            if self.edge.agreed and self.edge.book.position >= self.edge.durable:
                return
            self.ask()
            self.deliver()
        raise AssertionError(f"not done: {self.edge.book.as_json()} of {self.edge.durable}")

    def check(self) -> None:
        """Every record of the edge is at the hub exactly once, or a gap there tells of it."""
        self.check_table()
        counts = Counter(record.sequence for _, record in self.hub.log)
        doubled = {sequence: n for sequence, n in counts.items() if n > 1}
        assert not doubled, f"doubled: {doubled}"
        missing = self.missing_of(self.edge)
        assert not missing, f"missing: {sorted(missing)}"
        for lane, record in self.hub.log:
            if not record.level:
                assert record.check == self.edge.made[record.sequence], "another history's record"
            assert lane.start <= record.sequence
        assert not self.edge.parted, "an honest edge takes itself for a stranger"

    def check_table(self) -> None:
        """All that the hub said yes to is in the table, once."""
        self.hub.wakes()
        while self.hub.flushed < len(self.hub.log):
            self.hub.flush()
        counts = Counter(record.sequence for record in self.hub.table)
        doubled = {sequence: n for sequence, n in counts.items() if n > 1}
        assert not doubled, f"doubled in the table: {doubled}"
        missing = {record.sequence for _, record in self.hub.log} - set(counts)
        assert not missing, f"not in the table: {sorted(missing)}"

    def missing_of(self, edge: Edge) -> set[int]:
        """Which of its records are neither at the hub nor told by a gap there."""
        told: set[int] = set()
        found = set()
        for _, record in self.hub.log:
            if record.gap:
                told.update(range(record.gap[0], record.gap[1] + 1))
            if record.level or edge.made.get(record.sequence) == record.check:
                found.add(record.sequence)
        return set(edge.made) - found - told


__all__ = ["EDGE", "EPOCH", "NOTHING", "Edge", "Hub", "Put", "Rec", "World"]
