"""Upkeep: a table that stays small and fast by itself, whatever is written and asked meanwhile.

One job at a time, in a subprocess: merging, rollups, then in this process what costs little:
removing files that no version needs. A job changes nothing until its result is committed, and it
is committed only if all that it was worked out from is still in the table.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import structlog

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError
from lianji.history.compaction.jobs import Folders, Job, Runner
from lianji.history.compaction.plan import next_merge
from lianji.history.compaction.work import ROLLED_LEVEL, Outcome
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import SEALED, Files
from lianji.history.delta.log import Change, DeltaLog, Overtaken
from lianji.history.late.sieve import Sieves
from lianji.history.rollup.tables import source_of, sources_by_day
from lianji.history.settings import HistorySettings
from lianji.history.tiers import Tiers
from lianji.history.upkeep.moving import files_to_move, finish_moves, move
from lianji.history.upkeep.retention import Retainer, removed
from lianji.history.upkeep.vacuum import vacuum

HOURS_FILES_MAX = 8
PAUSE_S = 5.0
VACUUM_EVERY_S = 3600.0
TRIED_AGAIN_S = 900.0
"""What failed may have been the disk's fault, or a file's: it is left alone for so long."""
log = structlog.get_logger(__name__)


class Upkeep:
    """The keeper of one history's tables. ``step`` may be called by any one thread."""

    def __init__(
        self,
        tiers: Tiers,
        minutes: DeltaLog,
        hours: DeltaLog,
        folders: Folders,
        committing: threading.Lock,
        settings: HistorySettings,
        sieves: Sieves,
    ) -> None:
        """``committing`` is held by whoever commits to ``tiers``."""
        self._tiers = tiers
        self._sieves = sieves
        self.samples, self.minutes, self.hours = tiers.top, minutes, hours
        self._retainer = Retainer(settings.retention)
        self.error: LianjiError | None = None
        self.may_merge: Callable[[], bool] = lambda: True
        """Whether samples are merged and removed here: of several processes only one does."""
        self.jobs = 0
        self._runner = Runner(folders)
        self._committing = committing
        self._removed_kept_ms = round(settings.removed_kept_h * 3_600_000)
        self.at_work = threading.Lock()
        """Held by a step; who must have the tables alone takes it, and waits for a job to end."""
        self._passed_over: dict[str, float] = {}
        self._nothing_in: list[Files] = []
        """Versions of all tables of which there was nothing to roll up."""
        self._vacuumed_s = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give up what runs; it is begun again after the next start."""
        self._stop.set()
        self._runner.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self.step():
                self._stop.wait(PAUSE_S)

    def step(self) -> bool:
        """Do what is most worth doing; False if there was nothing. Failures are told in
        ``error``, and the files that they came from are passed over."""
        with self.at_work:
            return self._step()

    def _step(self) -> bool:
        self._look_for_tiers()
        self._vacuum_if_due()
        job = self._next()
        if job is None:
            self._runner.rest()
            return self._keep_to_the_rules()
        try:
            outcome = self._runner.run(job)
            if outcome is not None:
                self._commit(job, outcome)
                self.jobs += 1
                self.error = None
        except (LianjiError, OSError) as error:
            again_s = time.monotonic() + TRIED_AGAIN_S
            self._passed_over.update((file.path, again_s) for file in job.inputs)
            self.error = error if isinstance(error, LianjiError) else None
            log.error("upkeep-failed", job=job.kind, period=job.period, error=str(error))
        return True

    def _keep_to_the_rules(self) -> bool:
        """Move what is old down a tier, or remove what need not be kept; False if there is
        nothing. A tier that cannot be reached is tried again later."""
        try:
            done = self._move_some() or (self.may_merge() and self._remove_some())
        except Overtaken:
            return True
        except (LianjiError, OSError) as error:
            self.error = error if isinstance(error, LianjiError) else None
            log.error("tier-failed", error=str(error))
            return False
        self.error = None if done else self.error
        return done

    def _move_some(self) -> bool:
        for upper, lower, after_days in self._tiers.steps:
            files = files_to_move(upper, after_days, now_us())
            if files and move(upper, lower, files, self._committing):
                return True
        return False

    def _remove_some(self) -> bool:
        for table in self._tiers.logs:
            found = self._retainer.next_file(table, now_us())
            if found is not None:
                file, tags = found
                change = removed(table, file, tags)
                with self._committing:
                    if file in table.files:
                        table.commit(change)
                return True
        return False

    # -- what is to be done ------------------------------------------------------------------

    def _next(self) -> Job | None:
        files = self._without_passed_over(self.samples.files)
        merge = next_merge(files, now_us(), self.samples.written_us)
        if merge is not None and self.may_merge():
            return Job("merge", merge.site, merge.day, merge.inputs, merge.level)
        tables = [files, self.minutes.files, self.hours.files, *(t.files for t in self._tiers.logs)]
        if [id(one) for one in tables] == [id(one) for one in self._nothing_in]:
            return None
        job = self._next_roll_up(files) or self._next_month()
        self._nothing_in = tables if job is None else []
        return job

    def _without_passed_over(self, files: Files) -> Files:
        now_s = time.monotonic()
        left = {path: until for path, until in self._passed_over.items() if until > now_s}
        self._passed_over = left
        if not self._passed_over:
            return files
        return files.changed((), [file for file in files if file.path in self._passed_over])

    def _next_roll_up(self, files: Files) -> Job | None:
        known = {source for file in self.minutes.files for source in file.sources}
        for (site, day), some in files.parts.items():
            bare = [f for f in some if f.level >= ROLLED_LEVEL and source_of(f) not in known]
            if bare:
                return Job("roll_up", site, day, tuple(bare))
        return None

    def _next_month(self) -> Job | None:
        """Hours are merged when a month has many files of them, or one with days that no longer
        count."""
        for (site, month), some in self.hours.files.parts.items():
            days = [frozenset(self._days_that_count(file)) for file in some]
            pairs = [pair for pair in zip(some, days, strict=True) if self._is_sealed(*pair)]
            outdated = any(len(of_file) < len(sources_by_day(file)) for file, of_file in pairs)
            if len(pairs) >= HOURS_FILES_MAX or (outdated and len(pairs) > 1):
                inputs, of_each = zip(*pairs, strict=True)
                return Job("hours", site, month, tuple(inputs), days=tuple(of_each))
        return None

    def _days_that_count(self, rollup: DataFile) -> Iterable[str]:
        for day, names in sources_by_day(rollup).items():
            there = self._tiers.files.of(rollup.site, day)
            if names <= {stored.file.name for stored in there}:
                yield day

    def _is_sealed(self, rollup: DataFile, days: frozenset[str]) -> bool:
        """Whether its days' files will stay, as far as can be foreseen, or are gone already."""
        return all(
            stored.file.level == SEALED
            for day in days
            for stored in self._tiers.files.of(rollup.site, day)
            if source_of(stored.file) in rollup.sources
        )

    # -- making it so ------------------------------------------------------------------------

    def _commit(self, job: Job, outcome: Outcome) -> None:
        try:
            if job.kind == "merge":
                with self._committing:
                    self._swap(self.samples, outcome.samples, job.inputs)
                    self._sieves.merge(
                        [file.name for file in outcome.samples],
                        [file.name for file in job.inputs],
                    )
            if job.kind == "hours":
                self._swap(self.hours, outcome.hours, job.inputs)
            else:
                self._add_rollups(self.minutes, outcome.minutes, job)
                self._add_rollups(self.hours, outcome.hours, job)
        except Overtaken as overtaken:
            log.info("upkeep-overtaken", period=job.period, why=str(overtaken))
            for table, files in (
                (self.samples, outcome.samples),
                (self.minutes, outcome.minutes),
                (self.hours, outcome.hours),
            ):
                table.place.remove([f.path for f in files if f not in table.files])

    def _swap(self, table: DeltaLog, new: list[DataFile], old: tuple[DataFile, ...]) -> None:
        table.find_out()
        gone = [file.path for file in old if file not in table.files]
        if gone:
            raise Overtaken(f"{gone[0]} is not in the table any more")
        table.commit(Change("OPTIMIZE", new, old, data_change=False))

    def _add_rollups(self, table: DeltaLog, new: list[DataFile], job: Job) -> None:
        """New rollups come, and those go that count for no day any more."""
        stale = [
            file
            for file in table.files
            if file.site == job.site and not any(self._days_that_count(file))
        ]
        if new or stale:
            table.find_out()
            table.commit(Change("WRITE", new, stale))

    # -- what nobody needs -------------------------------------------------------------------

    def _look_for_tiers(self) -> None:
        """A tier that was away may be back; what a crash left half moved is finished then."""
        if self._tiers.away:
            with self._committing:
                self._tiers.refresh()
                finish_moves(self._tiers)

    def _vacuum_if_due(self) -> None:
        if time.monotonic() - self._vacuumed_s >= VACUUM_EVERY_S:
            self.vacuum()

    def vacuum(self) -> int:
        """Remove files that no version of the last hours needs; how many went."""
        self._vacuumed_s = time.monotonic()
        gone = 0
        samples = self._tiers.logs if self.may_merge() else ()
        for table in (*samples, self.minutes, self.hours):
            with self._committing:
                gone += vacuum(table, self._removed_kept_ms)
        return gone
