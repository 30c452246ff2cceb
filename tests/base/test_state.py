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

from lianji.base.errors import InputError, StorageError
from lianji.base.state import State, url_of


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(url_of(tmp_path))
    yield state
    state.close()


def _pragma(state: State, name: str) -> object:
    with state.reading() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_new_state_has_its_tables_and_is_kept_to_its_owner(state: State, tmp_path: Path) -> None:
    assert {"users", "sessions", "tokens", "audit"} <= set(
        sa.inspect(state.engine).get_table_names()
    )
    for name in ("state.db", "state.db-wal"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    assert _pragma(state, "journal_mode") == "wal"
    assert _pragma(state, "synchronous") == 2
    assert _pragma(state, "foreign_keys") == 1
    assert _pragma(state, "busy_timeout") == 10_000


def test_what_was_written_is_there_when_it_is_opened_again(state: State, tmp_path: Path) -> None:
    with state.writing() as connection:
        connection.execute(sa.text("INSERT INTO secrets VALUES ('a', 'b')"))
    state.close()
    again = State(url_of(tmp_path))
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
        assert connection.execute(sa.text("SELECT sequence FROM audit_head")).scalar_one() >= 0
    for thread in threads:
        thread.join()
    with state.reading() as connection:
        assert connection.execute(sa.text("SELECT sequence FROM audit_head")).scalar_one() == 100


def test_many_that_open_a_new_state_at_once_make_it_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lianji.base.state import State, url_of; "
        "State(url_of(Path(sys.argv[1]))).close()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    children = [subprocess.Popen(command) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4


def test_a_state_of_a_newer_program_is_left_alone(state: State, tmp_path: Path) -> None:
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    state.close()
    with pytest.raises(StorageError) as refused:
        State(url_of(tmp_path))
    assert refused.value.code == "state-newer"


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as refused:
        State(url_of(tmp_path))
    assert refused.value.code == "state-unusable"
    assert "state.db" in refused.value.cause.en


@pytest.mark.parametrize("url", ["nonsense", "oracle-of-delphi://x/y"])
def test_a_url_that_nothing_speaks_is_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        State(url)
    assert refused.value.code == "state-url-unknown"


def test_who_only_reads_history_does_not_load_sqlalchemy() -> None:
    program = (
        "import sys, lianji.node.opened, lianji.node.edge, lianji.cli.main; "
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'argon2')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
