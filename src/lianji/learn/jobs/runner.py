"""Runs the jobs of a plant: looks at the queue, starts, asks to give way, writes what became of it.

``tick`` is called a few times a second by one thread and blocks for milliseconds. What it knows
beyond the rows is which processes it holds; a runner that starts anew asks the launcher for those
that its rows name, and takes what it does not find as ended.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError, NotFound, StorageError, Text
from lianji.learn.jobs.active import Active
from lianji.learn.jobs.ending import GONE, Asked, Ended, ended
from lianji.learn.jobs.folder import JobFolder, Outcome, Task
from lianji.learn.jobs.job import QUEUED, RUNNING, JobRow
from lianji.learn.jobs.launcher import Job, Launcher
from lianji.learn.jobs.plan import Planned, Preempt, Rules, plan
from lianji.learn.jobs.room import Tenant
from lianji.learn.jobs.settings import JobsSettings
from lianji.learn.jobs.store import JobStore, Used

NOTE_S = 1.0
"""So often rows are told of progress and use."""
FORGET_S = 3600.0
_DAY_S = 86_400.0
_CLOSE_POLL_S = 0.02
_KILLED = -9


class Runner:
    """The jobs of one plant. ``close`` may come from another thread than ``tick``."""

    def __init__(
        self,
        store: JobStore,
        launcher: Launcher,
        settings: JobsSettings,
        plant: Path,
        place: str = "",
    ) -> None:
        """``plant``: its folder; the jobs' own lie in ``data/jobs``. ``place``: its name, where
        several processes share the queue: a job stays where its folder is."""
        self._store, self._launcher, self._settings = store, launcher, settings
        self._plant, self._place = plant, place
        self._machine = settings.machine
        self._half_life_s = settings.half_life_d * _DAY_S
        self._rules = Rules(aging_s=settings.aging_h * 3600)
        self._active: dict[str, Active] = {}
        self._used: dict[str, Used] | None = None
        self._noted_s = self._forgot_s = -FORGET_S
        self._lock = threading.Lock()
        self._closed = False

    @property
    def is_idle(self) -> bool:
        return not self._active

    def tick(self) -> None:
        """Raises StorageError; the next goes on where this one could not."""
        with self._lock:
            if not self._closed:
                self._tick()

    def _tick(self) -> None:
        if self._used is None:
            self._used = self._store.used()
        self._watch()
        rows = self._store.open(self._place)
        self._take_over(rows)
        self._obey(rows)
        self._plan(rows)
        if monotonic_s() - self._noted_s >= NOTE_S:
            self._note()

    def close(self) -> None:
        """Ask all jobs to save and end, kill those that do not in time, and put them back.

        What the database does not take then, the next runner finds out.
        """
        with self._lock:
            self._closed = True
            for one in self._active.values():
                one.ask(one.asked or "close")
            while self._active:
                try:
                    self._watch()
                except StorageError:
                    self._active = {
                        id: one
                        for id, one in self._active.items()
                        if one.watch(self._settings.grace_s) is None
                    }
                time.sleep(_CLOSE_POLL_S)
            self._launcher.close()

    # -- what runs -----------------------------------------------------------------------------

    def _take_over(self, rows: list[JobRow]) -> None:
        """What rows say runs and is not held: hold it again, or write that it has ended."""
        for row in rows:
            if row.state != RUNNING or row.id in self._active:
                continue
            folder = self._folder(row.id)
            found = row.handle and self._launcher.found(_job(row, self._settings), folder.path,
                                                        row.handle)  # fmt: skip
            if found:
                before_s = max(0.0, row.cpu_s - found.usage().cpu_s)
                self._active[row.id] = Active(row, found, folder, before_s)
            else:
                outcome = folder.outcome() or Outcome(_KILLED, GONE)
                self._write_end(row, outcome.code, outcome, {})

    def _watch(self) -> None:
        for id, one in list(self._active.items()):
            code = one.watch(self._settings.grace_s)
            if code is not None:
                self._write_end(one.row, code, one.folder.outcome(), one.changed(), one)
                del self._active[id]

    def _write_end(
        self,
        row: JobRow,
        code: int,
        outcome: Outcome | None,
        last: dict[str, Any],
        one: Active | None = None,
    ) -> None:
        try:
            who = self._store.found(row.id).stop_by
        except NotFound:
            return  # the database is an older one, put back meanwhile
        done = self._folder(row.id).progress().done
        asked: Asked = one.asked if one else ""
        if who and asked != "memory":
            asked = "stop"
        end = ended(asked, code, outcome, row.crashes, done > row.reached, who)
        now = now_us()
        values = {
            **last,
            "state": end.state,
            "since_us": now,
            "handle": "",
            "level": None,
            "crashes": end.crashes,
            "preemptions": row.preemptions + end.gave_way,
            "exit_code": code,
            "reason_en": end.reason.en,
            "reason_zh": end.reason.zh,
            "memory_bytes": 0,
            "reached": max(done, row.reached),
            "ended_us": _ended_us(end, now),
        }
        self._store.change_all({row.id: values}, self._charged([one] if one else []))

    def _obey(self, rows: list[JobRow]) -> None:
        open = {row.id: row for row in rows}
        for id, one in self._active.items():
            unwanted = id not in open or open[id].stop_by
            if unwanted and one.asked not in ("stop", "memory"):
                one.ask("stop")
        for row in rows:
            if row.state == QUEUED and row.stop_by:  # it was put back just then
                self._store.stop(row.id, row.stop_by)

    # -- what is to run ------------------------------------------------------------------------

    def _plan(self, rows: list[JobRow]) -> None:
        queued = {row.id: row for row in rows if row.state == QUEUED and not row.stop_by}
        if not queued:
            return
        jobs = [_planned(row) for row in queued.values()]
        jobs += [one.planned for one in self._active.values()]
        for step in plan(jobs, self._tenants(), self._machine, now_us(), self._rules):
            if isinstance(step, Preempt):
                self._active[step.id].ask("preempt")
            else:
                self._start(queued[step.id], step.level)

    def _tenants(self) -> dict[str, Tenant]:
        """With what they have used up to now."""
        used, now = self._used or {}, now_us()
        named = self._settings.named
        names = named.keys() | used.keys()
        return {
            name: replace(
                named.get(name) or Tenant(name),
                used_s=used.get(name, Used()).at(now, self._half_life_s),
                served_us=used.get(name, Used()).served_us,
            )
            for name in names
        }

    def _start(self, row: JobRow, level: int) -> None:
        now = now_us()
        values = {
            "level": level,
            "since_us": now,
            "waited_us": row.waited_us + max(0, now - row.since_us),
            "attempts": row.attempts + 1,
            "started_us": row.started_us or now,
        }
        if not self._store.claim(row.id, handle="", place=self._place, **values):
            return
        row = row.model_copy(update={"state": RUNNING, **values})
        folder = self._folder(row.id)
        if row.attempts == 1:
            folder.remove()  # of a queue that was lost, with a job of this name
        try:
            folder.prepare(self._task(row))
            running = self._launcher.start(_job(row, self._settings), folder.path)
        except (LianjiError, OSError) as error:
            self._write_end(row, 1, Outcome(1, _said(error)), {})
            return
        self._active[row.id] = Active(row, running, folder, row.cpu_s)
        served = replace((self._used or {}).get(row.tenant, Used()), served_us=now)
        assert self._used is not None
        self._used[row.tenant] = served
        self._store.change_all({row.id: {"handle": running.handle}}, {row.tenant: served})

    def _task(self, row: JobRow) -> Task:
        return Task(
            id=row.id,
            name=row.name,
            function=row.function,
            arguments=row.arguments,
            plant=str(self._plant),
            attempt=row.attempts,
            device=row.device,
            grace_s=self._settings.grace_s,
            nice=self._settings.nice,
            paths=[str(self._plant / "training")],
        )

    def _folder(self, id: str) -> JobFolder:
        return JobFolder(self._plant / "data" / "jobs" / id)

    # -- what it takes -------------------------------------------------------------------------

    def _note(self) -> None:
        self._noted_s = monotonic_s()
        rows = {id: found for id, one in self._active.items() if (found := one.changed())}
        self._store.change_all(rows, self._charged(list(self._active.values())))
        for one in self._active.values():
            one.folder.keep_log_small()
        if self._noted_s - self._forgot_s >= FORGET_S:
            self._forgot_s = self._noted_s
            for id in self._store.forget(now_us() - int(self._settings.keep_d * _DAY_S * 1e6)):
                self._folder(id).remove()

    def _charged(self, those: list[Active]) -> dict[str, Used]:
        """Charge the tenants of these; what they have used now."""
        if self._used is None:
            return {}
        changed: dict[str, Used] = {}
        now = now_us()
        for one in those:
            need, ran_s = one.row.need, one.charge_s()
            used = self._used.get(need.tenant, Used())
            changed[need.tenant] = self._used[need.tenant] = Used(
                used.at(now, self._half_life_s)
                + ran_s * self._machine.dominant(need.cpus, need.memory_mb),
                used.cpu_s + ran_s * need.cpus,
                used.memory_mb_s + ran_s * need.memory_mb,
                used.served_us,
                now,
            )
        return changed


def _ended_us(end: Ended, now: int) -> int | None:
    return None if end.state == QUEUED else now


def _job(row: JobRow, settings: JobsSettings) -> Job:
    return Job(row.id, row.name, row.cpus, row.memory_mb, row.device, settings.grace_s)


def _planned(row: JobRow) -> Planned:
    return Planned(row.need, row.priority, row.since_us, row.waited_us)


def _said(error: LianjiError | OSError) -> Text:
    if isinstance(error, LianjiError):
        return Text(f"{error.cause.en} {error.remedy.en}", f"{error.cause.zh}{error.remedy.zh}")
    said = error.strerror or str(error)
    return Text(f"Its folder cannot be written: {said}.", f"无法写入作业文件夹：{said}。")
