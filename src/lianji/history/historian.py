"""The historian at work: from the spool into memory, from memory into the table.

It is a reader of the spool like any other. Its position is what the table itself says: the last
sequence is committed with the rows that it brought, so a crash at any moment neither loses nor
doubles a sample.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from lianji.base.clock import now_us
from lianji.dictionary.batch import TIME_US_MAX as MAX
from lianji.dictionary.batch import Batch
from lianji.dictionary.expression import Expression
from lianji.history.annotations import Annotations
from lianji.history.away import KeptLedger, MayBeAway
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import DeltaLog, Overtaken
from lianji.history.flushing import Flushing
from lianji.history.history import History, Names
from lianji.history.last import LastValues
from lianji.history.late.keys import Newest
from lianji.history.late.settle import Rewritten, Settled, rewriting, settle
from lianji.history.late.sieve import Sieves
from lianji.history.late.waiting import Waiting, may_wait, picked, source_of_waiting
from lianji.history.memory import Held, Memory
from lianji.history.modified import keep_replaced
from lianji.history.others import Others
from lianji.history.parquet.writing import write_sites
from lianji.history.places.folder import FolderPlace
from lianji.history.relayed import (
    Ledger,
    joined,
    last_of_lanes,
    relayed,
    source_name,
    sources_behind,
    transactions,
)
from lianji.history.removal import RemovedSite, Tables, history_incomplete, remove_site
from lianji.history.rollup.buckets import HOUR_US, MINUTE_US
from lianji.history.rollup.rolled import Rolled
from lianji.history.rollup.tables import HOURS, MINUTES
from lianji.history.rows import Ranks, Rows, in_order
from lianji.history.settings import HistorySettings
from lianji.history.shared import folders_of, history_shared, overtaken, places_of
from lianji.history.sites import taken
from lianji.history.status import HistoryStatus, filled, told
from lianji.history.tables import MODIFIED
from lianji.history.tiers import Tiers
from lianji.history.upkeep.moving import finish_moves
from lianji.history.upkeep.upkeep import Upkeep
from lianji.history.view.view import View
from lianji.spool.spool import Spool
from lianji.trace.marks import Stage
from lianji.trace.stages import Stages

READER = "history"
RETRY_S = 5.0
TRIES = 20
NICENESS = 10
log = structlog.get_logger(__name__)


class Historian(MayBeAway, History):
    """The one writer of a plant's history, and the answers to its questions."""

    def __init__(
        self,
        folder: Path,
        site: str,
        spool: Spool,
        names: Names,
        is_linear: Callable[[str], bool],
        settings: HistorySettings | None = None,
        stages: Stages | None = None,
        calculated: Mapping[str, Expression] | None = None,
        site_of: Callable[[str], str] | None = None,
    ) -> None:
        """Open or create the table. A hub says by ``site_of`` which site a path belongs to; where
        it is None all belongs to ``site``. A shared table that cannot be reached is opened later.
        Raises InputError, StorageError."""
        notes = Annotations(folder.with_name("annotations"), site)
        super().__init__(site, names, self._view, is_linear, settings, calculated, notes, site_of)
        self.stages = stages or Stages()
        self._spool = spool
        self._folder, self._places = folder, places_of(folder, self._settings)
        self._kept = KeptLedger(folder.with_name("ledger.json"))
        self._began = spool.durable
        self._in_doubt = False
        self._pace = Flushing(self._settings)
        self._source = source_name(site, spool.epoch)
        self._reader = spool.reader(READER)
        self._lock, self._flushing = threading.RLock(), threading.Lock()
        self._memory, self._newest, self._sieves = Memory(), Newest(), Sieves()
        self._values = LastValues()
        self._ranks = Ranks()
        self._status = HistoryStatus(0, 0, 0, 0, 0, None, 0, 0, None)
        self.may_merge: Callable[[], bool] = lambda: True
        """Whether samples are merged and removed here: of several processes only one does."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._open_or_wait()

    def _open(self) -> None:
        """Open or create the tables, and go on where they say. Raises StorageError, OSError."""
        folder, (samples, modified) = self._folder, self._places
        self._tiers = Tiers(folder, self._settings.tiers, top=samples)
        finish_moves(self._tiers)
        self._modified = DeltaLog(modified, MODIFIED)
        self._table = self._tiers.top
        minutes = DeltaLog(FolderPlace(folder.with_name(MINUTES.name)), MINUTES)
        hours = DeltaLog(FolderPlace(folder.with_name(HOURS.name)), HOURS)
        self._minutes, self._hours = minutes, hours
        done = self._table.committed(self._source)
        if self._away:  # a spool that lost its end has used some numbers again meanwhile
            done = min(done, self._began)
        self._reader.start_behind(max(done, self._reader.position))
        self._waiting = Waiting(folder.with_name("waiting"), self._waiting_number())
        table, names, alone = self._table, self._names, self._settings.shared is None
        self._others = Others(table, self._modified, self._sites, names, self._forget, alone)
        for batch in self._waiting.batches:
            self._values.update(Rows.of_batch(batch))
        self.unreadable.update(self._waiting.lost)
        folders, rest = folders_of(folder, self._settings), (self._settings, self._sieves)
        self.upkeep = Upkeep(self._tiers, minutes, hours, folders, self._flushing, *rest)
        self.upkeep.may_merge = lambda: self.may_merge()

    # -- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Follow the spool in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="historian", daemon=True)
        self._thread.start()
        if self._away is None:
            self.upkeep.start()

    def close(self) -> None:
        """Stop, and make a file of what is in memory; what that leaves, the spool has."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._away is None:
            self.upkeep.close()
            self._or_tell(self.flush)

    def _run(self) -> None:
        # whoever waits for a yes goes first: the spool has it, the file may come a little later
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stop.is_set():
            if self._away is not None and not self._or_tell(self._open_late):
                self._stop.wait(RETRY_S)
                continue
            self._spool.wait_beyond(self._reader.cursor, 0.2)
            if not self._or_tell(self._follow):
                self._stop.wait(RETRY_S)

    def _follow(self) -> None:
        """Take what has come, and make a file of it if it is time."""
        with self._lock:
            self._absorb(self._pace.held_rows_max)
        if self._pace.is_time(self._memory.rows, self._memory.age_s):
            self.flush()

    def _or_tell(self, do: Callable[[], None]) -> bool:
        """False if it failed; the status says why, and the spool keeps what was not done."""
        try:
            do()
        except Exception as error:
            self._status.error = told(error).as_json()
            log.error("flush-failed", error=str(error))
            return False
        self._status.error = None
        return True

    # -- what comes in ---------------------------------------------------------------------

    def _absorb(self, rows_max: float = math.inf) -> None:
        """Take what the spool has and memory has not, up to so many rows. Under the lock."""
        while self._memory.rows < rows_max and (entries := self._reader.read()):
            for entry in entries:
                if isinstance(entry.content, Batch):
                    self._memory.take(entry.sequence, entry.content)
                    if not self._others.brought(entry.content):
                        self._values.update(Rows.of_batch(entry.content))
                else:
                    self._memory.take_gap(entry.sequence, entry.content)
                self._memory.sequence = entry.sequence

    def flush(self) -> None:
        """Make files of the oldest that memory holds and commit them with the last sequence.

        Raises StorageError; nothing is lost then, and the next flush tries again.
        """
        self._there()
        with self._flushing:
            with self._lock:
                self._absorb(self._pace.held_rows_max)
                held, last = self._memory.oldest(self._pace.held_rows_max)
                lanes = last_of_lanes(self._memory.sources_up_to(last))
            if held or lanes:
                self._write(held, last, lanes)
                self._keep_ledger()
            with self._lock:
                self._memory.drop_up_to(last)
            self._reader.commit(last)
            self.stages.fold([one.batch.marks for one in held])

    def remove_site(self, site: str, sequence: int) -> RemovedSite:
        """Remove all samples of a site for good, those of the spool up to a sequence too.

        For sites of which nothing comes any more. Raises StorageError, and Busy while samples wait,
        a tier is away, or other processes have the table open.
        """
        self._there()
        if self._others.there:
            raise history_shared()
        while self._reader.position < sequence:
            self.flush()
        with self.upkeep.at_work, self._flushing:
            if self._waiting.rows or self._tiers.away:
                raise history_incomplete()
            self._find_out()
            tables = Tables(
                self._tiers.logs, self._modified, (self._minutes, self._hours), self.site
            )
            try:
                return remove_site(tables, site)
            finally:
                with self._lock:
                    self._newest.forget()
                    self._values = LastValues()

    def _write(self, held: Sequence[Held], last: int, lanes: Ledger) -> None:
        started_ns = time.monotonic_ns()
        paths = self._names.paths
        for one in held:
            one.batch.marks.add(Stage.FLUSH, one.since_ns, started_ns)
        for _ in range(TRIES):
            self._find_out()
            fresh = self._others.left_by(held)
            arrived = self._waiting.before(fresh)
            rows, order = in_order([Rows.of_batch(a.batch) for a in arrived], self._ranks.of(paths))
            settled = self._settled(rows, order, paths)
            waiting = self._waiting.number
            if arrived:
                waiting = self._waiting.offer(picked(arrived, settled.waiting))
            files = self._written(settled.rows, paths)
            self._pace.files_made = len(files)
            self._in_doubt = True
            replaced, sites = settled.replaced, self._sites
            try:
                keep_replaced(self._modified, self._source, sites, replaced, arrived, paths)
                flushed_ns = time.monotonic_ns()
                self._commit(settled, files, last, waiting, lanes, len(fresh) < len(held))
                break
            except Overtaken:
                self._newest.forget()
        else:
            raise overtaken(TRIES)
        for one in held:
            one.batch.marks.add(Stage.COMMIT, flushed_ns, flushed_ns)
        self._status.note(settled.repeated, settled.corrected)

    def _forget(self, tags: NDArray[np.int32]) -> None:
        """Others may have written rows of these."""
        self._newest.forget(tags)
        with self._lock:
            self._values.forget(tags)

    def _written(self, rows: Rows, paths: Sequence[str]) -> list[DataFile]:
        """Files of all sites and days of some rows, durable and not yet part of the table."""
        groups = self._sites.groups(rows.tag, paths)
        parts = ((site, rows.take(taken(places))) for site, places in groups)
        return write_sites(self._table.place, parts, paths)

    def _settled(self, rows: Rows, order: NDArray[np.intp], paths: Sequence[str]) -> Settled:
        """Raises StorageError if too many samples would have to wait."""
        before_us, away = self._tiers.out_of_reach(now_us())
        files, newest, sieves = self._tiers.files, self._newest, self._sieves
        settled = settle(files, self._sites, rows, order, paths, newest, sieves, before_us)
        may_wait(len(settled.waiting), settled.cause or away)
        return settled

    def _find_out(self) -> None:
        """After a commit that failed: see whether it is in the table all the same.

        Without this its rows would be taken for new ones and committed a second time.
        """
        if self._in_doubt:
            for log in (*self._tiers.logs, self._modified):
                log.find_out()
            self._newest.forget()
            with self._lock:
                self._waiting.believe(self._waiting_number())
            self._in_doubt = False

    def _waiting_number(self) -> int:
        return self._table.committed(source_of_waiting(self._source))

    def _commit(
        self,
        settled: Settled,
        files: Sequence[DataFile],
        last: int,
        waiting: int,
        lanes: Ledger,
        some_were_there: bool,
    ) -> None:
        """Rows leave lower tiers first: if the end does not come, the spool brings the new ones
        again, and they find nothing that they would have to replace."""
        others_wait = waiting != self._waiting.number
        relayed_now = transactions(lanes, self._table.committed)
        others = others_wait or relayed_now or some_were_there
        if not files and not settled.rewritten and not others:
            self._in_doubt = False
            return
        mine: list[Rewritten] = []
        for one in settled.rewritten:
            log = self._tiers.log_of(one.old)
            if log is self._table:
                mine.append(one)
            else:
                log.commit(rewriting([one]))
        change = rewriting(mine)
        change.operation = "WRITE"
        change.added = [*change.added, *files]
        change.sequences = {self._source: last, **relayed_now}
        if others_wait:
            change.sequences[source_of_waiting(self._source)] = waiting
        self._table.commit(change)
        with self._lock:
            self._waiting.believe(waiting)
        self._sieves.keep([file.name for file in files], settled.rows)
        for one in settled.rewritten:
            if one.new is not None:
                self._sieves.replace(one.new.name, one.old.file.name, one.gone)
        self._in_doubt = False

    # -- what is asked ---------------------------------------------------------------------

    def _view(self) -> View:
        self._there()
        self._others.look_if_due(self._flushing)
        with self._lock:
            self._absorb()
            held = [one.batch for one in self._memory.held if not self._others.brought(one.batch)]
            batches = [*self._waiting.batches, *held]
            minutes, hours = self._minutes, self._hours
            rollups = Rolled.of(minutes, MINUTE_US), Rolled.of(hours, HOUR_US)
            self._tiers.tell(self.unreadable)
            files, find = self._tiers.files, self._names.find
            return View(files, batches, find, self.unreadable, rollups, self._sites)

    def _last(self, view: View, paths: Sequence[str]) -> Rows:
        ids = view.ids(paths)
        with self._lock:
            return self._values.asked(ids, lambda some: view.before([paths[n] for n in some], MAX))

    def _modified_log(self) -> DeltaLog | None:
        self._there()
        self._others.look_if_due(self._flushing)
        return self._modified

    def relayed(self, afresh: bool = False) -> Ledger:
        """Of each lane of each edge the last record that is in the table or the spool (ADR 11);
        ``afresh``: with what others have committed by now. Raises StorageError, OSError then."""
        if afresh:
            self._there()
            with self._flushing:
                self._others.look()
                self._keep_ledger()
        behind = last_of_lanes(sources_behind(self._spool, self._reader.position))
        if self._away is not None:
            return joined(self._kept.read(), behind)
        return joined(relayed(self._table.sources), behind)  # this order: a flush may be going on

    def _keep_ledger(self) -> None:
        if self._others.there:  # nobody else needs it
            self._kept.write(relayed(self._table.sources))

    def status(self) -> HistoryStatus:
        if self._away is not None:
            return replace(self._status, error=self._away.as_json())
        with self._lock:
            held, version = (self._memory.rows, self._waiting.rows), self._table.version
            return filled(self._status, self._tiers.files, *held, version, self.upkeep.error)
