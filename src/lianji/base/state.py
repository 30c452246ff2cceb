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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from lianji.base.errors import InputError, StorageError, Text

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

    def __init__(self, url: str) -> None:
        """Create or open it and bring its tables up to date.

        Raises InputError for a URL that nothing here speaks, StorageError if the database cannot
        be opened, is damaged, or was written by a newer Lianji.
        """
        parsed = _parsed(url)
        self._shown = parsed.render_as_string(hide_password=True)
        if parsed.get_backend_name() == "sqlite":
            self.engine = _sqlite(parsed, self._shown)
        else:
            self.engine = _engine(parsed, pool_pre_ping=True)
        try:
            self._migrate()
        except StorageError:
            self.engine.dispose()
            raise
        except (SQLAlchemyError, OSError) as error:
            self.engine.dispose()
            raise _unusable(self._shown, error) from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One moment of the database. It takes no lock and must not write."""
        with self.engine.connect() as connection:
            yield connection.execution_options(**{_READS: True})

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of it or nothing, and on disk when this returns."""
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        """Quick where there is nothing to do: Alembic is loaded only to change something."""
        newest = max(path.stem.split("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))
        with self.engine.connect() as connection:
            found = _version(connection)
        if found is not None and found > newest:
            raise _newer(self._shown, found, newest)
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


def _sqlite(url: URL, shown: str) -> sa.Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
            path.chmod(FILE_MODE)
        except OSError as error:
            raise _unusable(shown, error) from error
    engine = _engine(url)
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


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise _unspoken(url) from error


def _engine(url: URL, **options: Any) -> sa.Engine:
    try:
        return sa.create_engine(url, **options)
    except (NoSuchModuleError, ImportError) as error:
        raise _unspoken(url.render_as_string(hide_password=True)) from error


def _unspoken(url: str) -> InputError:
    return InputError(
        "state-url-unknown",
        Text(f"Nothing here speaks to {url}.", f"无法连接 {url}。"),
        Text(
            "Write sqlite:///path or postgresql://user@host/name, and install its driver.",
            "请写成 sqlite:///路径 或 postgresql://用户@主机/库名，并安装相应驱动。",
        ),
    )


def _unusable(shown: str, error: Exception) -> StorageError:
    said = str(getattr(error, "orig", None) or error)
    return StorageError(
        "state-unusable",
        Text(
            f"The state database {shown} cannot be used: {said}.",
            f"状态库 {shown} 无法使用：{said}。",
        ),
        Text(
            "See that the disk has space and that the user of Lianji may write there; if the file "
            "is damaged, restore it from a backup.",
            "请检查磁盘空间和写权限；若文件已损坏，请从备份恢复。",
        ),
    )


def _newer(shown: str, found: str, newest: str) -> StorageError:
    return StorageError(
        "state-newer",
        Text(
            f"The state database {shown} has version {found}; this Lianji knows {newest}.",
            f"状态库 {shown} 的版本为 {found}，当前联机只支持 {newest}。",
        ),
        Text(
            "Start the newer Lianji again, or restore the state of before.",
            "请使用较新的联机版本，或恢复旧的状态库。",
        ),
    )
