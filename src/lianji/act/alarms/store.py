"""State and journal of the alarms in the state database.

What an alarm stands at, and that which brought it there, are one transaction: after a restart the
two agree. The journal is only ever added to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from lianji.act.alarms.kept import Entry, Notice
from lianji.act.alarms.states import Standing
from lianji.base.errors import StorageError, Text

STATES = sa.table(
    "alarm_states",
    *map(
        sa.column,
        ("alarm", "active", "unacknowledged", "shelved_until_us", "suppressed", "out_of_service",
         "raised_us", "returned_us", "note", "by"),
    ),
)  # fmt: skip
JOURNAL = sa.table(
    "alarm_journal",
    *map(
        sa.column,
        ("id", "time_us", "alarm", "event", "state", "who", "value", "priority", "group_name",
         "message_en", "message_zh", "note"),
    ),
)  # fmt: skip
NOTICES = sa.table(
    "alarm_notices", *map(sa.column, ("channel", "alarm", "raised_us", "sent_us", "times"))
)
_FLAGS = ("active", "unacknowledged", "suppressed", "out_of_service")


class Database(Protocol):
    """What is needed of ``base.state.State``."""

    def reading(self) -> AbstractContextManager[sa.Connection]: ...

    def writing(self) -> AbstractContextManager[sa.Connection]: ...


class AlarmStore:
    """The alarms' tables of one state database; safe for many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._database.writing() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _refused(error) from error

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._database.reading() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _refused(error) from error

    def standings(self) -> dict[str, Standing]:
        """How every alarm that is not simply normal stood last. Raises StorageError."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(STATES)).mappings().all()
        return {row["alarm"]: _standing(dict(row)) for row in rows}

    def write(self, standings: Mapping[str, Standing | None], entries: Sequence[Entry]) -> None:
        """Keep how these alarms stand now (None: simply normal) and what happened; both or none.

        Raises StorageError.
        """
        if not standings and not entries:
            return
        with self._writing() as connection:
            for some in _pieces(list(standings)):
                connection.execute(sa.delete(STATES).where(STATES.c.alarm.in_(some)))
            rows = [
                {"alarm": alarm, **asdict(standing)}
                for alarm, standing in standings.items()
                if standing is not None
            ]
            if rows:
                connection.execute(sa.insert(STATES), rows)
            if entries:
                connection.execute(sa.insert(JOURNAL), [entry.row() for entry in entries])

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        """Lines with start <= time < end, the newest first, of one alarm if it is named.

        ``before``: only lines with a smaller id, which is how one pages on. Raises StorageError.
        """
        wanted = [JOURNAL.c.time_us >= start_us, JOURNAL.c.time_us < end_us]
        if alarm:
            wanted.append(JOURNAL.c.alarm == alarm)
        if before is not None:
            wanted.append(JOURNAL.c.id < before)
        query = sa.select(JOURNAL).where(*wanted).order_by(JOURNAL.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def forget_beyond(self, lines: int) -> int:
        """Keep so many of the journal's newest lines; how many went. Raises StorageError."""
        newest = sa.select(sa.func.max(JOURNAL.c.id)).scalar_subquery()
        with self._writing() as connection:
            gone = connection.execute(sa.delete(JOURNAL).where(JOURNAL.c.id <= newest - lines))
            return int(gone.rowcount)

    def forget_site(self, site: str) -> int:
        """Remove all that is kept of the alarms on a site's tags; how many lines of the journal
        went. Raises StorageError."""
        first = f"{site}/"
        gone = 0
        with self._writing() as connection:
            for table in (STATES, NOTICES, JOURNAL):
                of_site = sa.func.substr(table.c.alarm, 1, len(first)) == first
                gone = connection.execute(sa.delete(table).where(of_site)).rowcount
        return int(gone)

    def notices(self, channel: str) -> dict[str, Notice]:
        """What a channel has told of, by alarm. Raises StorageError."""
        query = sa.select(NOTICES).where(NOTICES.c.channel == channel)
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["alarm"]: Notice(**row) for row in rows}

    def notified(self, notices: Sequence[Notice], entries: Sequence[Entry]) -> None:
        """A channel has told of alarms; both tables or none. Raises StorageError."""
        with self._writing() as connection:
            for notice in notices:
                connection.execute(
                    sa.delete(NOTICES).where(
                        NOTICES.c.channel == notice.channel, NOTICES.c.alarm == notice.alarm
                    )
                )
            if notices:
                connection.execute(sa.insert(NOTICES), [asdict(notice) for notice in notices])
            if entries:
                connection.execute(sa.insert(JOURNAL), [entry.row() for entry in entries])


def _standing(row: dict[str, Any]) -> Standing:
    del row["alarm"]
    return Standing(**row | {name: bool(row[name]) for name in _FLAGS})


def _pieces(names: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (names[first : first + size] for first in range(0, len(names), size))


def _refused(error: SQLAlchemyError) -> StorageError:
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    return StorageError(
        "alarm-state-unwritable",
        Text(
            f"The alarms' state cannot be read or written: {said}.", f"无法读写报警状态：{said}。"
        ),
        Text(
            "Free disk space, or see that the state database can be reached.",
            "请释放磁盘空间，或检查状态数据库是否可用。",
        ),
    )
