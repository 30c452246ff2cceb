"""One way out: a thread that tells of what nobody has acknowledged, and keeps at it.

What is to be told is derived from the list and from what was told before, both in the state
database. So a restart neither forgets an alarm nor tells it twice, but for what was taken by the
other side in the instant of a crash.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Protocol

import structlog

from lianji.act.alarms.kept import Entry, Keeper, Notice
from lianji.act.alarms.lines import AlarmLine, folded_lines
from lianji.act.alarms.notify.mail import send_mail
from lianji.act.alarms.notify.message import Message, due_folds
from lianji.act.alarms.notify.settings import NotifySettings
from lianji.act.alarms.notify.webhook import send_webhook
from lianji.act.alarms.states import Event
from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import LianjiError

LOOK_S = 1.0
LOOK_AGAIN_S = 10.0
"""So seldom is looked where nothing has changed."""
RETRY_S, RETRY_S_MAX = 5.0, 300.0
Send = Callable[[NotifySettings, Message], None]
log = structlog.get_logger(__name__)


class List(Protocol):
    """What a channel asks of the alarm room."""

    @property
    def version(self) -> int: ...

    def listed(self) -> list[AlarmLine]: ...


def due(
    lines: Sequence[AlarmLine],
    notices: Mapping[str, Notice],
    settings: NotifySettings,
    time_us: int,
) -> list[AlarmLine]:
    """What this channel has to tell now: of its priority and groups, waiting for long enough, and
    not told of since it was raised, or so long ago that it is told again."""
    return [
        line
        for line in lines
        if _concerns(settings, line)
        and not 0 <= time_us - (line.raised_us or 0) < settings.after_min * 60e6
        and _is_new(settings, line, notices.get(line.id), time_us)
    ]


def _concerns(settings: NotifySettings, line: AlarmLine) -> bool:
    if not line.unacknowledged or line.priority > settings.priority:
        return False
    groups = settings.groups
    return not groups or any(fnmatch.fnmatch(line.group, group) for group in groups)


def _is_new(settings: NotifySettings, line: AlarmLine, notice: Notice | None, time_us: int) -> bool:
    if notice is None or notice.raised_us != (line.raised_us or 0):
        return True
    waited_us = time_us - notice.sent_us
    return settings.repeat_min > 0 and not 0 <= waited_us < settings.repeat_min * 60e6


class Channel:
    """A ``[[notify]]`` at work. ``start`` and ``close`` it; it never raises."""

    def __init__(
        self,
        settings: NotifySettings,
        alarms: List,
        store: Keeper,
        site: str,
        zone: tzinfo,
        send: Send | None = None,
    ) -> None:
        self.settings = settings
        self._alarms = alarms
        self._store = store
        self._site, self._zone = site, zone
        self._send = send or (send_mail if settings.kind == "email" else send_webhook)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._notices: dict[str, Notice] | None = None
        self._seen = -1
        self._look_s = 0.0
        self._next_s = 0.0
        self._failed = 0

    def start(self) -> None:
        name = f"notify-{self.settings.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """It may still be waiting for the other side; a daemon, it ends with the process."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(0.2)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look(now_us(), monotonic_s())
            except Exception as error:  # the next look is as good as any
                log.error("notify-look-failed", channel=self.settings.name, error=str(error))
                self._next_s = monotonic_s() + RETRY_S
            self._stop.wait(LOOK_S)

    def look(self, time_us: int, steady_s: float) -> None:
        """Tell what is due, if it is time. Raises StorageError."""
        if steady_s < self._next_s:
            return
        if self._seen == self._alarms.version and steady_s < self._look_s and not self._failed:
            return
        if self._notices is None:
            self._notices = self._store.notices(self.settings.name)
        self._seen, self._look_s = self._alarms.version, steady_s + LOOK_AGAIN_S
        lines = self._alarms.listed()
        wanted = due(lines, self._notices, self.settings, time_us)
        if wanted:
            self._tell(lines, wanted, time_us, steady_s)
        else:
            self._failed = 0

    def _tell(
        self, lines: Sequence[AlarmLine], wanted: Sequence[AlarmLine], time_us: int, steady_s: float
    ) -> None:
        settings = self.settings
        folds, sizes = due_folds(folded_lines(lines), {line.id for line in wanted})
        message = Message(self._site, folds, sizes, self._zone, settings.language, settings.page)
        try:
            self._send(settings, message)
        except LianjiError as error:
            self._failed += 1
            wait_s = min(RETRY_S * 2 ** (self._failed - 1), RETRY_S_MAX)
            self._next_s = steady_s + wait_s
            note = f"{error.cause.zh} / {error.cause.en} ({len(wanted)}x, #{self._failed})"
            self._store.notified([], [self._entry(Event.NOT_NOTIFIED, wanted[0], time_us, note)])
            return
        self._failed = 0
        self._next_s = steady_s + 60 / settings.per_minute_max
        self._told(wanted, time_us)

    def _told(self, wanted: Sequence[AlarmLine], time_us: int) -> None:
        assert self._notices is not None
        notices = []
        for line in wanted:
            before = self._notices.get(line.id)
            raised_us = line.raised_us or 0
            again = before is not None and before.raised_us == raised_us
            times = before.times + 1 if before is not None and again else 1
            notices.append(Notice(self.settings.name, line.id, raised_us, time_us, times))
        self._notices.update({notice.alarm: notice for notice in notices})
        entries = [
            self._entry(Event.NOTIFIED, line, time_us, _times(self.settings, notice))
            for line, notice in zip(wanted, notices, strict=True)
        ]
        self._store.notified(notices, entries)

    def _entry(self, event: Event, line: AlarmLine, time_us: int, note: str) -> Entry:
        return Entry(
            time_us=time_us,
            alarm=line.id,
            event=event,
            state=line.state.value,
            who=f"notify: {self.settings.name}",
            value=line.value,
            priority=int(line.priority),
            group_name=line.group,
            message_en=line.message.en,
            message_zh=line.message.zh,
            note=note,
        )


def _times(settings: NotifySettings, notice: Notice) -> str:
    return f"{settings.goes_to} ({notice.times})"
