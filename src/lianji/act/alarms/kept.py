"""What is kept of alarms beyond a restart, and what the room and its ways out ask of who keeps it.

The state database is one keeper (``store``). A process that has nothing to keep need not load it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from lianji.act.alarms.states import Event, Standing


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: what happened to which alarm, when, by whom, at which value."""

    time_us: int
    alarm: str
    event: Event
    state: str
    who: str
    value: float | None = None
    priority: int = 0
    group_name: str = ""
    message_en: str = ""
    message_zh: str = ""
    note: str = ""

    def row(self) -> dict[str, Any]:
        value = self.value
        sound = value if value is not None and math.isfinite(value) else None
        return asdict(self) | {"event": self.event.value, "value": sound}


@dataclass(frozen=True, slots=True)
class Notice:
    """That a channel told of an alarm: for which raising, when last, how often."""

    channel: str
    alarm: str
    raised_us: int
    sent_us: int
    times: int = 1


class Keeper(Protocol):
    """See ``store.AlarmStore``, which says more of each. All raise StorageError."""

    def standings(self) -> dict[str, Standing]: ...

    def write(self, standings: Mapping[str, Standing | None], entries: Sequence[Entry]) -> None: ...

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]: ...

    def forget_beyond(self, lines: int) -> int: ...

    def forget_site(self, site: str) -> int: ...

    def notices(self, channel: str) -> dict[str, Notice]: ...

    def notified(self, notices: Sequence[Notice], entries: Sequence[Entry]) -> None: ...
