"""The edge's threads: what is new goes to the hub at once, what gathered goes beside it.

``relay-live`` keeps the agreement with the hub and sends the open lane. ``relay-backlog`` drains
closed lanes with a share of the line. The book says what is next; the spool holds it until the
hub has it, and for its keep-time after that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from lianji.base.clock import monotonic_s
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import LianjiError, LinkDown
from lianji.relay.book_file import as_json, open_book
from lianji.relay.client import HubClient, Moved, NotNow, TellTags
from lianji.relay.lanes import THINNED, Lane, Mark
from lianji.relay.picking import Pick, check_of
from lianji.relay.rate import Ages, Rate
from lianji.relay.sending import Book, HistoriesParted, Stretch
from lianji.relay.uplink_status import UplinkStatus
from lianji.relay.uplink_words import in_words
from lianji.relay.wire import pack_body
from lianji.spool.record import Record, encode_tags
from lianji.spool.spool import Spool

if TYPE_CHECKING:
    from lianji.dictionary.tag_ids import TagIds

LIVE_BODY_S = 0.5
BACKLOG_BODY_S = 1.0
"""A body is as large as the line takes in about this time, as far as that is known."""
LIVE_BYTES_MAX = 2 * 1024 * 1024
BACKLOG_BYTES_MAX = 8 * 1024 * 1024
SPLIT_S = 5.0
"""What is older than this, and more than one body, becomes a lane of its own."""
GATHER_S = 0.05
"""At most one live request in this time: a tenth of a sample's way, and a busy hub's rest."""
RETRIES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
COMMIT_S = 1.0
DOUBTS_MAX = 3
ANEW = "anew"
"""A file of this name in the relay's folder: begin a new epoch, and remove it."""
_log = structlog.get_logger(__name__)


class Uplink:
    """One spool's relay to one hub."""

    def __init__(
        self,
        spool: Spool,
        names: TagIds,
        folder: Path,
        client: HubClient,
        share: float = 0.7,
        name: str = "relay",
        pick: Pick | None = None,
        in_order: bool = False,
    ) -> None:
        """``folder`` keeps the book; ``share`` of the time the backlog may use the line.

        ``pick`` says what is sent of a record. ``in_order``: the oldest first, as it must be where
        the hub takes our word for what it has of others (decision 12)."""
        make_folder(folder)
        self._spool = spool
        self._names = names
        self._client = client
        self._share = min(max(share, 0.05), 1.0)
        self._pick = pick
        self._in_order = in_order
        self.on_moved: Callable[[], None] = lambda: None
        """Called in one of the threads when the hub has more."""
        self._book_file = folder / "book.json"
        self._anew_file = folder / ANEW
        self._holder = spool.holder(name)
        self._epoch, self._book = open_book(self._book_file, spool.epoch, self._holder.position)
        self._lock = threading.RLock()
        self._keeping = threading.Lock()
        self._agreed = threading.Event()
        self._stop = threading.Event()
        self._backlog_wanted = threading.Event()
        self._moved = threading.Condition()
        self._ages = Ages()
        self._told_tags = 0
        self._generation = client.generation
        self._rate = Rate()
        self._error: LianjiError | None = None
        self._parted = False
        self._doubts = 0
        self._sent_bytes = 0
        self._sent_records = 0
        self._committed_s = 0.0
        self._threads: list[threading.Thread] = []

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        works = {"relay-live": self._live, "relay-backlog": self._drain}
        if self._in_order:
            del works["relay-backlog"]
        for name, work in works.items():
            thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        self._stop.set()
        self._backlog_wanted.set()
        self._agreed.set()
        self._spool.wake()
        self._client.close_until_ended(self._threads)
        self._threads.clear()
        self._keep(at_once=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        """A bug or a full disk must not end the thread: told, and tried again."""
        attempt = 0
        while not self._stop.is_set():
            try:
                work()
                attempt = 0
            except Moved:
                self._agreed.clear()
                self._stop.wait(RETRIES_S[0])
            except Exception as error:
                self._agreed.clear()
                self._error = in_words(error)
                pause = RETRIES_S[min(attempt, len(RETRIES_S) - 1)]
                if not isinstance(error, LinkDown):
                    _log.warning("relay-failed", error=str(error))
                attempt += 1
                self._stop.wait(pause)

    # -- agreement ---------------------------------------------------------------------------

    def _live(self) -> None:
        """One turn: agree if that is to be done, else send what is new."""
        if self._client.generation != self._generation:
            self._agreed.clear()  # another hub was promoted: it may lack what the last one had
        if not self._agreed.is_set():
            self._agree()
        self._send_live()

    def _agree(self) -> None:
        if self._anew_file.exists():
            self._begin_anew()
        there, tags = self._ask_ledger()
        self._generation = self._client.generation
        with self._lock:
            try:
                self._book.agree(there, self._spool.durable, self._check_of)
            except HistoriesParted as parted:
                self._part(parted)
                raise
            self._told_tags = tags
            self._parted = self._doubts >= DOUBTS_MAX
            self._error = None
            self._agreed.set()
            self._backlog_wanted.set()
        self._keep(at_once=True)

    def _begin_anew(self) -> None:
        """Go on under an epoch of our own: a person says that this box is the one."""
        with self._lock:
            self._epoch = os.urandom(16).hex()
            self._book = Book(self._book.position + 1)
            self._doubts, self._parted, self._told_tags = 0, False, 0
        _log.warning("relay-anew", epoch=self._epoch)
        self._keep(at_once=True)
        self._anew_file.unlink()

    def _ask_ledger(self) -> tuple[dict[int, Mark], int]:
        try:
            return self._client.ledger(self._epoch)
        except LinkDown:
            self._client.next_hub()
            raise

    def _part(self, parted: HistoriesParted) -> None:
        if not self._parted:
            _log.error("relay-parted", lane=parted.start, mark=str(parted.mark))
        self._parted = True

    def _doubt(self, parted: HistoriesParted) -> HistoriesParted:
        """A late request of our own may be behind it: the next agreement tells, or the third."""
        self._agreed.clear()
        self._doubts += 1
        if self._doubts >= DOUBTS_MAX:
            self._part(parted)
        return parted

    def _check_of(self, sequence: int) -> int | None:
        record = self._spool.record(sequence)
        if record is None:
            return None
        if self._pick is not None and self._pick.changes:
            return self._check_of_picked(record, self._pick)
        return THINNED if record.level else record.check

    def _check_of_picked(self, record: Record, pick: Pick) -> int | None:
        """The check of what was sent of it: another version of a library may write it otherwise,
        so what the hub is known to have comes first. None if nothing would be sent now."""
        for lane in self._book.lanes:
            if lane.mark.sequence == record.sequence:
                return lane.mark.check
        parts = pick(record)
        return None if parts is None else check_of(parts)

    # -- sending -----------------------------------------------------------------------------

    def _send_live(self) -> None:
        started_s = monotonic_s()
        with self._lock:
            lane, durable = self._book.live, self._spool.durable
            if self._in_order and (waiting := self._book.backlog):
                lane, durable = waiting[0], waiting[0].end or durable
            self._ages.note(started_s, durable)
        if durable <= lane.after:
            self._keep()
            self._spool.wait_beyond(lane.after, 0.5)
            return
        size = self._rate.body_bytes(LIVE_BODY_S, LIVE_BYTES_MAX)
        last = self._send(lane, durable, size)
        late = last < durable and self._ages.behind(last, monotonic_s()) > SPLIT_S
        if late and not self._in_order:
            self._split()
            return
        rest_s = GATHER_S - (monotonic_s() - started_s)
        if rest_s > 0 and last >= durable:
            self._stop.wait(rest_s)

    def _split(self) -> None:
        with self._lock:
            if self._book.split(self._spool.durable):
                self._ages.clear()
                self._backlog_wanted.set()
        self._keep(at_once=True)

    def _drain(self) -> None:
        """One turn of the backlog."""
        self._agreed.wait(1.0)
        with self._lock:
            waiting = self._book.backlog
        if not self._agreed.is_set() or not waiting:
            self._backlog_wanted.wait(1.0)
            self._backlog_wanted.clear()
            return
        lane = waiting[0]
        started_s = monotonic_s()
        assert lane.end is not None
        line_s: list[float] = []
        size = self._rate.body_bytes(BACKLOG_BODY_S, BACKLOG_BYTES_MAX)
        self._send(lane, lane.end, size, line_s.append)
        self._keep()
        self._backlog_wanted.set()
        # the share is of the line's time: what it took to make the body ready was a rest for it
        rest_s = sum(line_s) / self._share - (monotonic_s() - started_s)
        self._stop.wait(max(0.0, rest_s))

    def _send(
        self,
        lane: Stretch,
        last: int,
        bytes_max: int,
        on_line: Callable[[float], object] = lambda _: None,
    ) -> int:
        """Send the next records of a lane; the sequence up to which it is with the hub now.

        ``on_line`` is told for how many seconds the body was on the line."""
        first = lane.after + 1
        records = self._spool.records(first, last, bytes_max)
        if not records:
            return self._nothing(lane, last)
        sent, parts = self._picked(records)
        if not sent:
            return self._nothing(lane, records[-1].sequence)
        body = pack_body([*self._definitions(), *parts])
        started_s = monotonic_s()
        try:
            name = Lane(self._epoch, lane.start)
            answer = self._client.put(name, sent[0].sequence, lane.mark, body)
        except TellTags as unknown:
            self._told_tags = unknown.known
            return lane.after
        except NotNow as later:
            self._error = in_words(later)
            self._stop.wait(later.after_s)
            return lane.after
        except HistoriesParted as parted:
            self._doubt(parted)
            raise
        took_s = monotonic_s() - started_s
        on_line(took_s)
        self._rate.note(len(body.content), took_s)
        self._sent_bytes += len(body.content)
        self._sent_records += len(sent)
        self._took(lane, answer.mark, answer.tags)
        if answer.mark.sequence == sent[-1].sequence < records[-1].sequence:
            return self._nothing(lane, records[-1].sequence)
        return lane.after

    def _picked(
        self, records: Sequence[Record]
    ) -> tuple[Sequence[Record], list[bytes | memoryview]]:
        """The records of which something is sent, and their bytes as they are sent."""
        if self._pick is None:
            return records, [record.raw for record in records]
        picked = [(record, self._pick(record)) for record in records]
        sent = [record for record, parts in picked if parts is not None]
        return sent, [part for _, parts in picked for part in parts or ()]

    def _nothing(self, lane: Stretch, last: int) -> int:
        """There is nothing to be sent of this lane up to a sequence, which it returns."""
        with self._lock:
            self._book.nothing_up_to(lane.start, last)
        self._tell_moved()
        return last

    def _took(self, lane: Stretch, mark: Mark, tags: int) -> None:
        with self._lock:
            try:
                self._book.answered(lane.start, mark, self._spool.durable, self._check_of)
            except HistoriesParted as parted:
                raise self._doubt(parted) from None
            self._told_tags = max(self._told_tags, tags)
            self._error = None
            self._doubts, self._parted = 0, False
        self._tell_moved()

    def _tell_moved(self) -> None:
        with self._moved:
            self._moved.notify_all()
        self.on_moved()

    def _definitions(self) -> list[bytes | memoryview]:
        """The tags that the hub has not heard of yet, as a record of their own."""
        known, paths = self._told_tags, self._names.paths
        count = len(paths)
        if known >= count:
            return []
        return encode_tags(0, list(range(known, count)), paths[known:count])

    # -- what is kept, and told --------------------------------------------------------------

    def _keep(self, at_once: bool = False) -> None:
        """Write the book and move the spool's position: both may lag, and the hub knows better.

        A split that was written must not be written over by an older book, so threads take turns.
        """
        with self._keeping:
            now_s = monotonic_s()
            if not at_once and now_s - self._committed_s < COMMIT_S:
                return
            self._committed_s = now_s
            with self._lock:
                self._book.forget(self._spool.oldest)
                kept = as_json(self._epoch, self._spool.epoch, self._book)
                position = self._book.position
            write_atomically(self._book_file, kept)
            self._holder.commit(position)

    def wait_for(self, sequence: int, timeout_s: float) -> bool:
        """Wait until the hub has everything up to a sequence; False if the time is over."""
        with self._moved:
            return self._moved.wait_for(lambda: self._book.position >= sequence, timeout_s)

    @property
    def position(self) -> int:
        """The hub has everything up to this sequence."""
        return self._book.position

    def live_position(self) -> int:
        """Of the open lane everything up to this sequence is with the hub."""
        with self._lock:
            return self._book.live.after

    def status(self) -> UplinkStatus:
        with self._lock:
            return UplinkStatus.of(
                self._book,
                self._spool.durable,
                hub=self._client.address,
                connected=self._agreed.is_set() and not self._stop.is_set(),
                parted=self._parted,
                sent_bytes=self._sent_bytes,
                sent_records=self._sent_records,
                error=self._error.as_json() if self._error else None,
            )
