"""The alarm room of a running plant: watches, keeps, answers, and takes what people decide.

A thread of its own looks once a second. What changes is in the state database before anybody is
told yes; what cannot be written is tried again every second, and said.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from lianji.act.alarms import states, troubles
from lianji.act.alarms.alarm import Defined, Row, expand
from lianji.act.alarms.kept import Entry, Keeper
from lianji.act.alarms.lines import AlarmLine, Summary, by_urgency, is_listed, line_of, summary_of
from lianji.act.alarms.newest import Newest, Samples
from lianji.act.alarms.states import SHELVED_US_MAX, Event, Standing
from lianji.act.alarms.watch import SYSTEM, Change, Watch
from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError, StorageError, Text
from lianji.dictionary.tag import Tag

PERIOD_S = 1.0
JOURNAL_LINES_MAX = 1_000_000
"""The journal keeps so many of its newest lines: years of a plant that is well kept."""
FORGET_S = 3600.0
LATE_S = 15.0
"""Who has not looked for so long does not watch any more."""
BUILD_SHARE = 20
"""Where new tags come all the time, the alarms are made anew in one part in so many of it."""
UNWRITTEN_MAX = 100_000
"""So many lines of the journal wait in memory while the database cannot be written."""
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Plan:
    """What the alarm room is told of the plant."""

    rows: Sequence[Row]
    paths: Callable[[], Sequence[str]]
    """All paths that are known; only ever more."""
    heard: Callable[[str], bool]
    """Whether the history can be asked for this path."""
    tags: Mapping[str, Tag] = field(default_factory=dict)


class AlarmRoom:
    """Times are microseconds since 1970 UTC. All methods block shortly: ask from a thread."""

    def __init__(self, plan: Plan, samples: Samples, store: Keeper) -> None:
        """What stood is recalled now, or where the state cannot be reached, as soon as it can."""
        self.store = store
        self._plan = plan
        self._samples = samples
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._known = -1
        self._build_s = self._forget_s = 0.0
        self._looked_s: float | None = None
        self._lines: tuple[int, list[AlarmLine]] = (-1, [])
        self._summary: tuple[int, Summary] = (-1, Summary())
        self._without: Mapping[int, Text] = {}
        self._unwritten: tuple[dict[str, Standing | None], list[Entry]] = ({}, [])
        self._newest = Newest((), plan.heard)
        self.version = 0
        """Grows with every change of any alarm."""
        self._error: LianjiError | None = None
        self._looks = 0
        self._watch = Watch([], {})
        self._stood = False
        try:
            self._recall(now_us())
        except StorageError as error:
            self._tell(error)

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.is_set():
            began_s = monotonic_s()
            self._looked_s = self._looked_s or began_s
            try:
                self.step(now_us(), began_s)
                self._forget(began_s)
                self._error, self._looked_s = None, began_s
            except Exception as error:  # the alarms go on, whatever one look met
                self._tell(error)
            self._stop.wait(max(0.05, PERIOD_S - (monotonic_s() - began_s)))

    def _forget(self, steady_s: float) -> None:
        if steady_s >= self._forget_s:
            self._forget_s = steady_s + FORGET_S
            self.store.forget_beyond(JOURNAL_LINES_MAX)

    def _tell(self, error: Exception) -> None:
        told = troubles.failed(error)
        if self._error is None or self._error.code != told.code:
            log.error("alarms-failed", error=str(error), exc_info=error)
        self._error = told

    @property
    def error(self) -> LianjiError | None:
        """Why nobody watches, or why what happened cannot be kept; None where all is well."""
        looked_s = self._looked_s
        if self._error is None and looked_s is not None and monotonic_s() - looked_s > LATE_S:
            return troubles.late(monotonic_s() - looked_s)
        return self._error

    def become(self, plan: Plan) -> None:
        """Other rows or tags from the next look on. What stands and waits goes on."""
        with self._lock:
            self._plan, self._known, self._build_s = plan, -1, 0.0

    # -- once a second -----------------------------------------------------------------------

    def step(self, time_us: int, steady_s: float) -> None:
        """Look once. Raises StorageError where what changed cannot be kept (it is kept later), and
        where what stood before cannot be read yet, without which nobody knows what is news."""
        if not self._stood:
            self._recall(time_us)
        if len(self._plan.paths()) != self._known and steady_s >= self._build_s:
            began_s = monotonic_s()
            self._build({}, time_us)
            self._build_s = steady_s + BUILD_SHARE * (monotonic_s() - began_s)
        snapshot = self._newest.snapshot(self._samples)  # nobody need wait for the history
        with self._lock:
            self._looks += 1
            changes = self._watch.step(snapshot, time_us, steady_s)
            self._keep(changes, time_us)

    def _recall(self, time_us: int) -> None:
        self._build(self.store.standings(), time_us)
        self._stood = True

    def _build(self, standings: Mapping[str, Standing], time_us: int) -> None:
        """All alarms anew, because there are new tags; what stands stays."""
        paths = self._plan.paths()
        self._known = len(paths)
        expanded = expand([row.definition for row in self._plan.rows], paths, self._plan.tags)
        with self._lock:
            old = self._watch
            stood = {old.alarms[p].id: old.standings[p] for p in old.standing_out}
            stood |= standings
            watch = Watch(expanded.alarms, stood)
            watch.carry(old)
            gone = [alarm for alarm in stood if alarm not in watch.place_of]
            entries = [Entry(time_us, alarm, Event.REMOVED, "", SYSTEM) for alarm in gone]
            self.store.write(dict.fromkeys(gone), entries)
            self._watch, self._without = watch, expanded.without
            self._newest = Newest(watch.conditions.tags, self._plan.heard)
            self.version += 1

    def _keep(self, changes: Sequence[Change], time_us: int) -> None:
        standings, entries = self._unwritten
        for change in changes:
            alarm = self._watch.alarms[change.place]
            standings[alarm.id] = _kept(change.standing)
            entries.append(self._entry(change, time_us))
        if changes:
            self.version += 1
        if not standings and not entries:
            return
        if len(entries) > UNWRITTEN_MAX:
            del entries[:-UNWRITTEN_MAX]
        self.store.write(standings, entries)
        self._unwritten = ({}, [])

    def _entry(self, change: Change, time_us: int) -> Entry:
        alarm = self._watch.alarms[change.place]
        return Entry(
            time_us=time_us,
            alarm=alarm.id,
            event=change.event,
            state=change.standing.state.value,
            who=change.who,
            value=change.value,
            priority=int(alarm.priority),
            group_name=alarm.group,
            message_en=alarm.message.en,
            message_zh=alarm.message.zh,
            note=change.note,
        )

    # -- what is asked -----------------------------------------------------------------------

    def standing_out(self) -> list[AlarmLine]:
        """All alarms that are not simply normal, the most urgent first."""
        with self._lock:
            moment = self.version + self._looks
            if self._lines[0] != moment:
                watch = self._watch
                lines = by_urgency(
                    line_of(watch.alarms[place], watch.standings[place], watch.value(place))
                    for place in watch.standing_out
                )
                self._lines = (moment, lines)
            return list(self._lines[1])

    def listed(self) -> list[AlarmLine]:
        """The list: what is active or still to be acknowledged, and not put aside."""
        return [line for line in self.standing_out() if is_listed(line)]

    def summary(self) -> Summary:
        """All in one line. Quick: every page asks for it every two seconds."""
        with self._lock:
            if self._summary[0] != self.version:
                self._summary = (self.version, summary_of(self.standing_out()))
            return self._summary[1]

    def defined(self) -> list[Defined]:
        """Every row, with how many alarms it makes."""
        with self._lock:
            counts = [0] * len(self._plan.rows)
            for alarm in self._watch.alarms:
                counts[alarm.row] += 1
            return [
                Defined(row, counts[place], self._without.get(place))
                for place, row in enumerate(self._plan.rows)
            ]

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        return self.store.journal(start_us, end_us, alarm, before, limit)

    # -- what people decide --------------------------------------------------------------------

    def acknowledge(self, alarms: Sequence[str], who: str, note: str = "") -> int:
        """They were seen by somebody; how many still had to be. Raises NotFound, StorageError."""
        return self._act(
            alarms, Event.ACKNOWLEDGED, who, note, lambda s, at, asks: states.acknowledged(s, who)
        )

    def shelve(self, alarms: Sequence[str], minutes: float, who: str, note: str) -> int:
        """Off the list for so many minutes. Raises InputError for more than a week."""
        if not 0 < minutes <= SHELVED_US_MAX / 60e6:
            raise troubles.shelf_time(minutes)
        span_us = int(minutes * 60e6)
        return self._act(
            alarms, Event.SHELVED, who, note,
            lambda s, at, asks: states.shelved(s, at + span_us, who, note),
        )  # fmt: skip

    def unshelve(self, alarms: Sequence[str], who: str) -> int:
        return self._act(alarms, Event.UNSHELVED, who, "", states.unshelved)

    def take_out(self, alarms: Sequence[str], who: str, note: str) -> int:
        """Out of service, with a reason. Raises InputError without one."""
        if not note.strip():
            raise troubles.reason_missing()
        return self._act(
            alarms, Event.TAKEN_OUT, who, note, lambda s, at, asks: states.taken_out(s, who, note)
        )

    def put_back(self, alarms: Sequence[str], who: str) -> int:
        return self._act(alarms, Event.PUT_BACK, who, "", states.put_back)

    def _act(
        self,
        alarms: Sequence[str],
        event: Event,
        who: str,
        note: str,
        change: Callable[[Standing, int, bool], Standing],
    ) -> int:
        """Do it to all of them or to none: on disk first, then so."""
        time_us = now_us()
        with self._lock:
            watch = self._watch
            unknown = [alarm for alarm in alarms if alarm not in watch.place_of]
            if unknown:
                raise troubles.unknown(unknown[0])
            changes = []
            for place in dict.fromkeys(watch.place_of[alarm] for alarm in alarms):
                before = watch.standings[place]
                after = change(before, time_us, watch.alarms[place].asks)
                if after != before:
                    changes.append(Change(place, event, after, who, watch.value(place), note))
            standings = {watch.alarms[c.place].id: _kept(c.standing) for c in changes}
            self.store.write(standings, [self._entry(c, time_us) for c in changes])
            for one in changes:
                watch.put(one.place, one.standing)
                self._unwritten[0].pop(watch.alarms[one.place].id, None)
            self.version += bool(changes)
            return len(changes)


def _kept(standing: Standing) -> Standing | None:
    """What is kept of it: nothing of an alarm that is simply normal."""
    return None if standing.state is states.AlarmState.NORMAL and not standing.active else standing
