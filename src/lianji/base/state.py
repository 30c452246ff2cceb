"""The SQL state of a plant or hub: users, alarms, jobs.

Whoever imports this module loads SQLAlchemy, so it is imported where state is used and not where a
process starts: one that only reads history never pays for it. Alembic is loaded only when there is
something to migrate.

SQLite keeps everything it said yes to over a power cut (WAL with synchronous=FULL), and a
transaction takes the writer's lock when it begins, so that one that reads and then writes cannot
fail half-way (https://www.sqlite.org/isolation.html). ``reading`` takes no lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)

from lianji.base import postgres
from lianji.base.errors import StorageError
from lianji.base.redaction import redacted
from lianji.base.state_errors import driver_missing, newer, unfit, unspoken, unusable

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
FILE_MODE = 0o600
"""Password hashes lie in it."""
_READS = "lianji_reads"


def url_of(folder: Path) -> str:
    """The URL of the SQLite file of a plant's folder."""
    return f"sqlite:///{folder.resolve() / 'data' / 'state.db'}"


class State:
    """SQLAlchemy Core over SQLite or PostgreSQL, its tables as this program knows them."""

    engine: sa.Engine

    def __init__(self, url: str, at_once: bool = True) -> None:
        """Create or open it and bring its tables up to date.

        Where it is not ``at_once``, a server that cannot be reached now is asked again whenever
        somebody wants to read or write. Raises InputError for a URL that nothing here speaks,
        StorageError if the database cannot be opened, is damaged, or was written by a newer Lianji.
        """
        parsed = _parsed(url)
        self._shown = redacted(parsed.render_as_string(hide_password=True))
        self._lock = threading.Lock()
        self._ready = False
        if parsed.drivername.partition("+")[0] == "sqlite":
            self.engine, at_once = _sqlite(parsed, self._shown), True
        else:
            self.engine = _postgres(parsed, self._shown)
        try:
            self._make_ready()
        except StorageError as error:
            if not at_once and isinstance(error.__cause__, OperationalError):
                return
            self.engine.dispose()
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One moment of the database. It takes no lock and must not write. Raises StorageError."""
        self._make_ready()
        with self._in_words(), self.engine.connect() as connection:
            yield connection.execution_options(**{_READS: True})

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all or nothing, and on disk when this returns. Raises StorageError."""
        self._make_ready()
        with self._in_words(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """A full disk, a server that went or a lock that is never given back is no bug of ours."""
        try:
            yield
        except (OperationalError, InterfaceError, InternalError) as error:
            raise unusable(self._shown, error) from error
        except DataError as error:
            raise unfit(error) from error

    def close(self) -> None:
        self.engine.dispose()

    def _make_ready(self) -> None:
        if self._ready:
            return
        with self._lock:
            try:
                self._migrate()
            except (SQLAlchemyError, OSError) as error:
                raise unusable(self._shown, error) from error
            self._ready = True

    def _migrate(self) -> None:
        """Quick where there is nothing to do: Alembic is loaded only to change something."""
        newest = max(path.stem.split("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))
        with self.engine.connect() as connection:
            found = _version(connection)
        if found is not None and found > newest:
            raise newer(self._shown, found, newest)
        if found != newest:
            self._upgrade()

    def _upgrade(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _postgres(url: URL, shown: str) -> sa.Engine:
    if url.drivername not in postgres.NAMES:
        raise unspoken(shown)
    try:
        return postgres.engine_of(url, _reads)
    except ImportError as error:
        raise driver_missing(shown) from error


def _sqlite(url: URL, shown: str) -> sa.Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
            path.chmod(FILE_MODE)
        except OSError as error:
            raise unusable(shown, error) from error
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Each new connection; ours is the BEGIN, not Python's (which comes too late for reads)."""
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _reads(connection: sa.Connection) -> bool:
    return bool(connection.get_execution_options().get(_READS, False))


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _reads(connection) else "BEGIN IMMEDIATE")


def _parsed(url: str) -> URL:
    """Raises InputError, which shows nothing of a URL that cannot be taken apart."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise unspoken("what state.url says") from error
