"""The hub's side of the data way: a body of records becomes records of the hub's spool.

One request is at work on a lane at a time. Its records are judged by the ledger, renamed into the
hub's tags, joined, and put into the spool as one record (a yes never covers half of it); the mark
moves when the spool's yes has come.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lianji.base.clock import now_us
from lianji.base.errors import Conflict, Text
from lianji.dictionary.batch import SCHEMA, Batch
from lianji.dictionary.source import Source
from lianji.relay.aside import Aside
from lianji.relay.lanes import Lane, Mark
from lianji.relay.ledger import Had, Ledger, Parted, Take
from lianji.relay.naming import REFUSED, EdgeTags, Names
from lianji.relay.wire import marks_of, records_of, wrong_body
from lianji.spool.record import (
    Gap,
    Kind,
    Record,
    decode_batch,
    decode_gap,
    decode_tags,
    origin_of,
    sources_of,
)
from lianji.spool.spool import Spool

INLINE_BYTES = 64 * 1024
"""Bodies up to this are worked on in the loop: a thread costs more than they do."""
ROWS_MAX = 500_000
NO_SAMPLES = pa.RecordBatch.from_pylist([], schema=SCHEMA)
MACHINES = "device/"
"""Origins that begin so are joined: of what machines say, one record is as good as another."""
GAPS_KEPT = 10
"""So many of an edge's last gaps are told."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and which sites it may write."""

    edge: str
    sites: tuple[str, ...]
    is_hub: bool = False
    """Whether it is a hub of our own group, which is believed when it says what it has of edges."""

    @property
    def home(self) -> str:
        """The site under which paths go that name none; a hub of many sites has no such."""
        only = self.sites[0] if len(self.sites) == 1 else ""
        return "" if any(sign in only for sign in "*?[") else only


@dataclass(frozen=True, slots=True)
class Yes:
    """What is durable here, and how many of the edge's tags are known."""

    mark: Mark
    tags: int
    rows: int = 0


@dataclass(slots=True)
class Received:
    """What an edge has brought in this life of the hub."""

    rows: int = 0
    bytes: int = 0
    requests: int = 0
    refused_rows: int = 0
    parted: int = 0
    newest_us: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    parted_us: int = 0
    """When another history last spoke."""
    gaps: int = 0
    gap_rows: int = 0
    last_gaps: list[dict[str, Any]] = field(default_factory=list)

    def note_gap(self, gap: Gap) -> None:
        self.gaps += 1
        self.gap_rows += gap.rows
        told = {name: getattr(gap, name) for name in ("reason", "rows", "start_us", "end_us")}
        self.last_gaps = [*self.last_gaps, told][-GAPS_KEPT:]


class RelayParted(Conflict):
    """Another history speaks under this edge's name."""

    def __init__(self, edge: str, lane: Lane, mark: Mark) -> None:
        super().__init__(
            "relay-histories-parted",
            Text(
                f"What {edge} sends is not what the hub has of it: an old image was restored, or a "
                f"copy of the edge runs. It was set aside (lane {lane}, at {mark.sequence}).",
                f"{edge} 发送的内容与中心端已有的不一致：可能恢复了旧镜像，或存在副本。已隔离"
                f"（通道 {lane}，位置 {mark.sequence}）。",
            ),
            Text(
                "Stop the copy. At the box that shall go on, run `lianji relay anew`.",
                "请停用副本，并在要保留的设备上运行 `lianji relay anew`。",
            ),
        )
        self.mark = mark


class Receiving:
    """Takes bodies for one spool. Lives in one event loop."""

    def __init__(
        self,
        spool: Spool,
        names: Names,
        ledger: Ledger,
        aside: Aside,
        also: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        """``also`` is awaited with the spool's sequence before a yes: a second hub, say. What it
        raises is answered instead, and asked again when the edge sends again."""
        self.ledger = ledger
        self.received: dict[str, Received] = {}
        self._spool = spool
        self._names = names
        self._aside = aside
        self._also = also
        self._tags: dict[tuple[Sender, str], EdgeTags] = {}
        self._locks: dict[tuple[str, Lane], asyncio.Lock] = {}
        self._taking: dict[tuple[str, Lane], asyncio.Lock] = {}
        self._before = spool.durable
        self._last: dict[tuple[str, Lane], int] = {}
        """Of each lane the sequence of what was last put into our spool."""

    def known_tags(self, sender: Sender, epoch: str) -> int:
        return self._tags_of(sender, epoch).known

    async def put(self, sender: Sender, lane: Lane, previous: Mark, body: memoryview) -> Yes:
        """Take a body. Raises InputError, RelayParted, TagsUnknown, Busy or StorageError; then
        what was said yes to stands, and the rest may be sent again."""
        async with self._locks.setdefault((sender.edge, lane), asyncio.Lock()):
            yes = await self._put(sender, lane, previous, body)
        if not sender.is_hub:
            await self._awaited(self._last.get((sender.edge, lane), self._before))
        return yes

    async def settled(self, edge: str) -> None:
        """Wait for the second hub, if there is one to be waited for, with all of an edge."""
        lanes = [last for (name, _), last in self._last.items() if name == edge]
        await self._awaited(max(lanes, default=self._before))

    async def _awaited(self, sequence: int) -> None:
        if self._also is not None:
            await self._also(sequence)

    async def _put(self, sender: Sender, lane: Lane, previous: Mark, body: memoryview) -> Yes:
        records = records_of(body)
        told = [record for record in records if record.kind is Kind.TAGS]
        records = [record for record in records if record.kind is not Kind.TAGS]
        if not records:
            raise wrong_body("it has no records", "没有记录")
        if previous.sequence >= records[0].sequence:
            raise wrong_body("its records are not behind the previous one", "记录位置错误")
        verdict = self.ledger.judge(sender.edge, lane, previous, marks_of(records))
        figures = self._received(sender.edge)
        if isinstance(verdict, Parted):
            figures.parted += 1
            figures.parted_us = now_us()
            await asyncio.to_thread(self._aside.keep, sender.edge, f"parted-{lane}", bytes(body))
            raise RelayParted(sender.edge, lane, verdict.mark)
        tags = self._tags_of(sender, lane.epoch)
        for record in told:
            await asyncio.to_thread(tags.learn, decode_tags(record))
        rows = 0
        if isinstance(verdict, Take):
            rows = await self._take(sender, lane, records[verdict.start :], tags)
        figures.rows += rows
        figures.bytes += len(body)
        figures.requests += 1
        figures.refused = tags.refused
        mark = verdict.mark if isinstance(verdict, Had) else self.ledger.mark(sender.edge, lane)
        return Yes(mark, tags.known, rows)

    async def _take(
        self, sender: Sender, lane: Lane, records: Sequence[Record], tags: EdgeTags
    ) -> int:
        rows = 0
        for some in runs(records):
            await self._take_run(sender, lane, some, tags)
            rows += sum(record.rows for record in some)
            newest_us = max(record.end_us for record in some)
            figures = self._received(sender.edge)
            figures.newest_us = max(figures.newest_us, newest_us)
        return rows

    async def _take_run(
        self, sender: Sender, lane: Lane, some: Sequence[Record], tags: EdgeTags
    ) -> None:
        """Into the spool, and into the ledger. The lanes of all that is in it are held meanwhile,
        in one order for all: what a hub brings of an edge, that may be offering here itself."""
        inner = {at for record in some for at in self._inner(sender, record)}
        async with AsyncExitStack() as held:
            for at in sorted({*inner, (sender.edge, lane)}):
                await held.enter_async_context(self._taking.setdefault(at, asyncio.Lock()))
            if sum(len(record.raw) for record in some) <= INLINE_BYTES:
                contents = self._contents(sender, lane, some, tags)
            else:
                contents = await asyncio.to_thread(self._contents, sender, lane, some, tags)
            for content in contents:
                sequence = await self._spool.append(content)
                if isinstance(content, Gap):
                    self._received(sender.edge).note_gap(content)
                for one in content.sources:
                    of = Lane(one.epoch, one.lane)
                    self.ledger.arrived(one.edge, of, Mark(one.sequence, one.check))
                    self._last[one.edge, of] = sequence

    @staticmethod
    def _inner(sender: Sender, record: Record) -> list[tuple[str, Lane]]:
        if not sender.is_hub:
            return []
        return [(one.edge, Lane(one.epoch, one.lane)) for one in sources_of(record)]

    def _repeats(self, sender: Sender, sources: Sequence[Source]) -> bool:
        """Whether all of this came another way before: from its edges, or through a third hub."""
        return sender.is_hub and bool(sources) and all(map(self._has, sources))

    def _has(self, source: Source) -> bool:
        here = self.ledger.mark(source.edge, Lane(source.epoch, source.lane))
        same = here.sequence == source.sequence and here.check == source.check
        return same or here.sequence > source.sequence

    def _contents(
        self, sender: Sender, lane: Lane, some: Sequence[Record], tags: EdgeTags
    ) -> list[Batch | Gap]:
        """What goes into the hub's spool for a run of records: one record, unless some of them
        check and still mean nothing."""
        if some[0].kind is Kind.GAP:
            gap = decode_gap(some[0])
            inner = gap.sources if sender.is_hub else ()
            sources = latest([*inner, _source(sender, lane, some)])
            if self._repeats(sender, inner):
                return [Batch(NO_SAMPLES, origin=sender.edge, sources=sources)]
            return [replace(gap, sources=sources)]
        try:
            return [self._joined(sender, lane, some, tags)]
        except (pa.ArrowException, ValueError, struct.error) as error:
            if len(some) == 1:
                return [self._poison(sender, some[0], _source(sender, lane, some), error)]
        singly = [self._contents(sender, lane, [record], tags) for record in some]
        return [content for contents in singly for content in contents]

    def _joined(self, sender: Sender, lane: Lane, some: Sequence[Record], tags: EdgeTags) -> Batch:
        batches = [decode_batch(record) for record in some]
        for batch in batches:
            if self._repeats(sender, batch.sources):
                batch.samples = NO_SAMPLES
        samples, refused = _renamed(batches, [tags.ids_of(batch.tags) for batch in batches])
        self._received(sender.edge).refused_rows += refused
        inner = [one for batch in batches for one in batch.sources if sender.is_hub]
        sources = latest([*inner, _source(sender, lane, some)])
        last = batches[-1]
        return Batch(samples, last.id, last.marks, _origin(sender.edge, batches), sources)

    def _poison(self, sender: Sender, record: Record, here: Source, error: Exception) -> Gap:
        """Set aside and told as a gap, so that it never stops what comes behind it."""
        what = f"poison-{here.epoch}-{record.sequence}"
        self._aside.keep(sender.edge, what, bytes(record.raw))
        reason = f"unreadable, from {sender.edge}, set aside: {error}"[:200]
        at = record.sequence
        return Gap(reason, at, at, record.rows, record.start_us, record.end_us, (here,))

    def _received(self, edge: str) -> Received:
        return self.received.setdefault(edge, Received())

    def _tags_of(self, sender: Sender, epoch: str) -> EdgeTags:
        key = (sender, epoch)
        if key not in self._tags:
            self._tags[key] = EdgeTags(self._names, sender.sites, sender.home)
        return self._tags[key]


def runs(records: Sequence[Record]) -> list[list[Record]]:
    """Consecutive records that become one of the hub: batches whose word has the same weight.

    A gap stands alone, and what a person or an import said is joined with nobody else's word: the
    hub must be able to tell who corrected a sample, and in which order.
    """
    found: list[list[Record]] = []
    rows = 0
    for record in records:
        joins = bool(found) and _joins(found[-1][-1], record) and rows + record.rows <= ROWS_MAX
        if joins:
            found[-1].append(record)
            rows += record.rows
        else:
            found.append([record])
            rows = record.rows
    return found


def _joins(before: Record, record: Record) -> bool:
    if not (before.is_batch and record.is_batch):
        return False
    said, says = origin_of(before), origin_of(record)
    return said == says or (said.startswith(MACHINES) and says.startswith(MACHINES))


def _source(sender: Sender, lane: Lane, some: Sequence[Record]) -> Source:
    last = some[-1]
    return Source(sender.edge, lane.epoch, lane.start, last.sequence, last.check)


def latest(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Of each lane the last source."""
    return tuple({(one.edge, one.epoch, one.lane): one for one in sources}.values())


def _renamed(batches: Sequence[Batch], ids: Sequence[np.ndarray]) -> tuple[pa.RecordBatch, int]:
    """The samples of all under the hub's ids, and how many were left out."""
    joined = pa.concat_batches([batch.samples for batch in batches])
    tags = np.concatenate(ids)
    samples = pa.RecordBatch.from_arrays([pa.array(tags), *joined.columns[1:]], schema=SCHEMA)
    refused = int((tags == REFUSED).sum())
    if refused:
        samples = samples.filter(pa.array(tags != REFUSED))
    return samples, refused


def _origin(edge: str, batches: Sequence[Batch]) -> str:
    origins = {batch.origin for batch in batches}
    return f"{edge}/{origins.pop()}" if len(origins) == 1 else edge
