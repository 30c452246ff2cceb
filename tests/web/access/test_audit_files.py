"""The old part of the audit log: moved to files, never dropped, and the chain goes on from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from lianji.base.errors import StorageError
from lianji.base.state import State
from lianji.node.audit_keeper import AuditKeeper
from lianji.node.settings import StateSettings
from lianji.web.access import audit_files
from lianji.web.access.accounts import Accounts
from lianji.web.access.audit_files import Bounds, move_old

ROWS = 60


@pytest.fixture
def filled(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setattr(audit_files, "FILE_ENTRIES_MAX", 7)
    monkeypatch.setattr(audit_files, "FEW", 10)
    for number in range(ROWS):
        accounts.record("anna", "thing-changed", {"thing": f"泵 {number}"})
    return accounts


def test_what_is_beyond_the_bound_moves_and_the_chain_holds_in_both_parts(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    before = filled.audit.newest(ROWS)[::-1]
    assert move_old(state, folder, Bounds(rows_max=40)) == 24
    verdict, files = filled.audit.verify(), filled.audit.verify_files(folder)
    assert (verdict.rows, verdict.archived, verdict.broken_at) == (36, 24, None)
    assert (files.rows, files.broken_at) == (24, None)
    assert files.last_hash == before[23].hash and verdict.last_hash == before[-1].hash
    lines = [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]
    there = [json.loads(line)["detail"] for line in lines]
    assert there + [one.detail for one in filled.audit.newest(ROWS)[::-1]] == [
        one.detail for one in before
    ]
    filled.record("anna", "thing-changed", {})
    assert filled.audit.newest(1)[0].sequence == ROWS + 1
    assert filled.audit.verify().broken_at is None


def test_what_is_young_and_within_the_bound_stays(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    assert move_old(state, tmp_path / "audit", Bounds(days=400, rows_max=ROWS)) == 0
    assert filled.audit.verify().rows == ROWS
    assert not (tmp_path / "audit").exists()


def test_what_is_older_than_the_days_moves(filled: Accounts, state: State, tmp_path: Path) -> None:
    assert move_old(state, tmp_path / "audit", Bounds(days=0)) == ROWS
    verdict = filled.audit.verify()
    assert (verdict.rows, verdict.archived, verdict.broken_at) == (0, ROWS, None)
    assert filled.audit.verify_files(tmp_path / "audit").rows == ROWS


def test_an_end_between_the_file_and_the_table_doubles_nothing(
    filled: Accounts, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_and_then_dead(folder: Path, entries: object) -> None:
        write(folder, entries)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    write = audit_files._write
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(audit_files, "_write", written_and_then_dead)
        move_old(state, tmp_path, Bounds(days=0))
    assert filled.audit.verify().rows == ROWS
    assert move_old(state, tmp_path, Bounds(days=0)) == ROWS
    assert filled.audit.verify_files(tmp_path).rows == ROWS


def test_what_somebody_has_been_at_is_not_moved(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE audit SET who = 'bob' WHERE sequence = 12"))
    with pytest.raises(StorageError) as refused:
        move_old(state, tmp_path, Bounds(days=0))
    assert "Entry 12" in refused.value.cause.en and "12" in refused.value.cause.zh
    verdict = filled.audit.verify()
    assert (verdict.broken_at, verdict.why, verdict.archived) == (12, "changed", 7)


@pytest.mark.parametrize(("changed", "row"), [("changed", 9), ("gap", 8)])
def test_a_file_that_was_changed_or_taken_away_is_told(
    filled: Accounts, state: State, tmp_path: Path, changed: str, row: int
) -> None:
    move_old(state, tmp_path, Bounds(days=0))
    second = sorted(tmp_path.glob("*.jsonl"))[1]
    if changed == "gap":
        second.unlink()
    else:
        second.write_text(second.read_text().replace("泵 8", "泵 9"))
    found = filled.audit.verify_files(tmp_path)
    assert (found.broken_at, found.why) == (row, changed)


def test_rows_taken_out_behind_the_anchor_are_missed(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    move_old(state, tmp_path, Bounds(rows_max=40))
    with state.writing() as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE sequence = 25"))
    verdict = filled.audit.verify()
    assert (verdict.broken_at, verdict.why) == (25, "gap")


def test_where_no_file_can_be_written_every_entry_stays(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    (tmp_path / "audit").write_text("no folder")
    with pytest.raises(StorageError) as refused:
        move_old(state, tmp_path / "audit", Bounds(days=0))
    assert refused.value.code == "audit-unwritable"
    assert filled.audit.verify().rows == ROWS


def test_a_running_plant_looks_once_a_day_and_again_after_a_failure(
    filled: Accounts, state: State, tmp_path: Path
) -> None:
    (tmp_path / "audit").write_text("no folder")
    keeper = AuditKeeper(tmp_path, StateSettings(audit_rows_max=1_000, audit_days=1))
    keeper._settings.audit_days = 0
    keeper.look(state)
    assert keeper.problem is not None
    (tmp_path / "audit").unlink()
    keeper.look(state)
    assert filled.audit.verify().rows == ROWS, "not before its time"
    keeper._next_s = 0
    keeper.look(state)
    assert keeper.problem is None
    assert filled.audit.verify().archived == ROWS
