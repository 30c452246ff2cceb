"""The alarms' state of a plant that may never have an alarm: opened when there is one to keep.

With the state database comes SQLAlchemy, 12 MB of memory, and Alembic's 8 MB where its tables are
new (measured). A plant in which no alarm ever came, with no way out, needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianji.act.alarms.kept import Entry, Notice
from lianji.act.alarms.states import Standing
from lianji.node.state_copy import COPY, FILE

if TYPE_CHECKING:
    from lianji.act.alarms.store import AlarmStore
    from lianji.base.state import State


class AlarmKeeper:
    """``act.alarms.store.AlarmStore``, opened by the first question that needs it."""

    def __init__(self, data: Path | None, state: Callable[[], State]) -> None:
        """``data``: the folder of the state's file; None where the state is elsewhere."""
        self._data = data
        self._state = state

    @cached_property
    def _store(self) -> AlarmStore:
        from lianji.act.alarms.store import AlarmStore

        return AlarmStore(self._state())

    def standings(self) -> dict[str, Standing]:
        if self._data is not None and not _may_hold_alarms(self._data):
            return {}
        return self._store.standings()

    def write(self, standings: Mapping[str, Standing | None], entries: Sequence[Entry]) -> None:
        if standings or entries:
            self._store.write(standings, entries)

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        return self._store.journal(start_us, end_us, alarm, before, limit)

    def forget_beyond(self, lines: int) -> int:
        """Of a journal that nobody has added to since the start there is nothing to forget."""
        return self._store.forget_beyond(lines) if "_store" in self.__dict__ else 0

    def forget_site(self, site: str) -> int:
        return self._store.forget_site(site)

    def notices(self, channel: str) -> dict[str, Notice]:
        return self._store.notices(channel)

    def notified(self, notices: Sequence[Notice], entries: Sequence[Entry]) -> None:
        self._store.notified(notices, entries)


def _may_hold_alarms(data: Path) -> bool:
    """Whether the state must be asked. Also of one that cannot be read: opening it says why."""
    state = data / FILE
    if not state.exists():
        return (data / COPY).exists()
    import sqlite3

    try:
        with closing(
            sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            [(found,)] = connection.execute("SELECT EXISTS (SELECT 1 FROM alarm_states)")
            return bool(found)
    except sqlite3.Error:
        return True
