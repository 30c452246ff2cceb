"""The state in PostgreSQL, with the promises that SQLite gives: one writer at a time, one moment.

A transaction that writes takes a lock of its database first (``pg_advisory_xact_lock``), so one
that reads and then writes cannot fail half-way, and the audit log cannot fork, however many
processes write: that is little, and right matters more than at once. One that reads sees one
snapshot and holds up nobody (https://www.postgresql.org/docs/current/explicit-locking.html).
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import URL

NAMES = ("postgresql", "postgres", "postgresql+psycopg")
LOCK_TIMEOUT_MS = 10_000
_LOCK = 0x6C69616E6A69  # "lianji": the same number for every process that has a state there
WRITES = (
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}",
    # what returns from a commit is on disk, also where the server is told otherwise
    "SELECT set_config('synchronous_commit', 'on', true) "
    "WHERE current_setting('synchronous_commit') = 'off'",
    f"SELECT pg_advisory_xact_lock({_LOCK})",
)
_OPTIONS = {
    "connect_timeout": "10",  # seconds
    "tcp_user_timeout": "20000",  # milliseconds until a line that says nothing counts as broken
    "fallback_application_name": "lianji",
}


def engine_of(url: URL, reads: Callable[[sa.Connection], bool]) -> sa.Engine:
    """An engine that asks a connection from its pool whether it still lives before it is used.

    ``reads``: whether a transaction only reads. Raises ImportError where psycopg is missing.
    """
    given = {name: value for name, value in _OPTIONS.items() if name not in url.query}
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",  # a snapshot a statement: the lock comes before it
        connect_args={"prepare_threshold": None, **given},  # a pooler between may know none
    )

    def begin(connection: sa.Connection) -> None:
        if reads(connection):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return
        for statement in WRITES:
            connection.exec_driver_sql(statement)

    sa.event.listen(engine, "begin", begin)
    return engine
