"""The state database: made, opened again, moved on, kept to its owner, safe beside others."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import lianji.base.postgres as postgres_engine
from lianji.base.errors import InputError, StorageError
from lianji.base.state import MIGRATIONS, State, url_of
from tests.peers import free_port
from tests.peers.postgres import PASSWORD, Postgres, postgres


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[State]:
    """In SQLite, whatever the other tests do."""
    state = State(url_of(tmp_path))
    yield state
    state.close()


@pytest.fixture
def server_state(postgres_server: Postgres) -> Iterator[State]:
    state = State(postgres_server.database())
    yield state
    state.close()


def _pragma(state: State, name: str) -> object:
    with state.reading() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_new_state_has_its_tables(state: State) -> None:
    tables = set(sa.inspect(state.engine).get_table_names())
    assert {"users", "sessions", "tokens", "audit", "alarm_states", "alarm_journal"} <= tables


def test_the_file_is_kept_to_its_owner(in_file: State, tmp_path: Path) -> None:
    for name in ("state.db", "state.db-wal"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    assert _pragma(in_file, "journal_mode") == "wal"
    assert _pragma(in_file, "synchronous") == 2
    assert _pragma(in_file, "foreign_keys") == 1
    assert _pragma(in_file, "busy_timeout") == 10_000


def test_what_was_written_is_there_when_it_is_opened_again(state: State, state_url: str) -> None:
    with state.writing() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))
    state.close()
    again = State(state_url)
    with again.reading() as connection:
        assert connection.execute(sa.text("SELECT secret FROM secrets")).scalar() == "b"
    again.close()


def test_a_transaction_that_fails_leaves_nothing(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.writing() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))
        _ = 1 / 0
    with state.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM secrets")).scalar() == 0


def test_readers_and_writers_at_once_lose_nothing(state: State) -> None:
    def count(times: int) -> None:
        for _ in range(times):
            with state.writing() as connection:
                found = connection.execute(sa.text("SELECT sequence FROM audit_head")).scalar_one()
                connection.execute(
                    sa.text("UPDATE audit_head SET sequence = :next"), {"next": found + 1}
                )

    threads = [threading.Thread(target=count, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    with state.reading() as connection:
        found = sa.text("SELECT sequence FROM audit_head")
        once = connection.execute(found).scalar_one()
        assert connection.execute(found).scalar_one() == once  # one moment, whoever writes
    for thread in threads:
        thread.join()
    with state.reading() as connection:
        assert connection.execute(sa.text("SELECT sequence FROM audit_head")).scalar_one() == 100


def test_many_that_open_a_new_state_at_once_make_it_once(state_url: str) -> None:
    program = "import sys; from lianji.base.state import State; State(sys.argv[1]).close()"
    arguments = [sys.executable, "-c", program, state_url]
    children = [subprocess.Popen(arguments) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4


def test_a_state_of_before_is_moved_on_with_what_it_holds(state: State, state_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with state.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    with state.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO users (name, name_key, role, password, created_us) "
                "VALUES ('anna', 'anna', 'viewer', 'x', 1)"
            )
        )
    state.close()
    again = State(state_url)
    with again.reading() as connection:
        assert connection.execute(sa.text("SELECT name, sites FROM users")).all() == [("anna", "")]
    again.close()


def test_a_state_of_a_newer_program_is_left_alone(state: State, state_url: str) -> None:
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    state.close()
    with pytest.raises(StorageError) as refused:
        State(state_url)
    assert refused.value.code == "state-newer"
    assert PASSWORD not in refused.value.cause.en


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as refused:
        State(url_of(tmp_path))
    assert refused.value.code == "state-unusable"
    assert "state.db" in refused.value.cause.en


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle-of-delphi://x/y", "mysql://u:hunter2@x/y", "a://b:hunter2@c:x/"]
)
def test_a_url_that_nothing_speaks_is_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        State(url)
    assert refused.value.code == "state-url-unknown"
    assert "hunter2" not in refused.value.cause.en


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(StorageError) as refused:
        State(f"postgresql://anna:hunter2@127.0.0.1:{free_port()}/state?sslpassword=hunter2")
    assert refused.value.code == "state-unreachable"
    assert "refused" in refused.value.cause.en
    assert "hunter2" not in refused.value.cause.en + refused.value.cause.zh


def test_a_reader_cannot_write(server_state: State) -> None:
    with pytest.raises(StorageError), server_state.reading() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))


def test_what_the_database_cannot_hold_is_refused(server_state: State) -> None:
    with pytest.raises(InputError) as refused, server_state.writing() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES (:name, 'b')"), {"name": "a\0b"})
    assert refused.value.code == "state-value-refused"


def test_a_lock_that_is_never_given_back_is_told(
    server_state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [part.replace("10000", "50") for part in postgres_engine.WRITES]
    monkeypatch.setattr(postgres_engine, "WRITES", quick)
    with server_state.writing():
        with pytest.raises(StorageError) as refused, server_state.writing():
            pass
        with server_state.reading() as connection:  # which no writer holds up
            assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    assert "lock timeout" in refused.value.cause.en


def test_a_server_that_was_killed_is_missed_and_found_again() -> None:
    with postgres() as server:
        state = State(server.database())
        with state.writing() as connection:
            connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))
        server.kill()
        for way in (state.reading, state.writing):
            with pytest.raises(StorageError) as refused, way():
                pass
            assert refused.value.code == "state-unreachable"
        server.start()
        with state.reading() as connection:
            assert connection.execute(sa.text("SELECT secret FROM secrets")).scalar() == "b"
        state.close()


def test_a_connection_that_dies_within_a_transaction_leaves_nothing(server_state: State) -> None:
    end_others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StorageError), server_state.writing() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))
        with server_state.reading() as other:
            other.execute(end_others)
        connection.execute(sa.text("INSERT INTO secrets VALUES ('c', 'd')"))
    with server_state.writing() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM secrets")).scalar() == 0


def test_who_only_reads_history_does_not_load_sqlalchemy() -> None:
    program = (
        "import sys, lianji.node.opened, lianji.node.edge, lianji.cli.main; "
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'argon2')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
