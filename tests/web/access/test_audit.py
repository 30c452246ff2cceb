"""The audit log: complete, in order, and it says where somebody has been at it."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from lianji.base.state import State
from lianji.web.access.accounts import Accounts
from lianji.web.access.audit import Entry

ROWS = 12


@pytest.fixture
def filled(accounts: Accounts) -> Accounts:
    for number in range(ROWS):
        accounts.record("anna", "thing-changed", {"thing": f"泵 {number}", "value": number})
    return accounts


def _execute(state: State, statement: str) -> None:
    with state.writing() as connection:
        assert connection.execute(sa.text(statement)).rowcount > 0


def test_a_whole_chain_is_said_to_be_whole(filled: Accounts) -> None:
    verdict = filled.audit.verify()
    assert (verdict.rows, verdict.broken_at, verdict.why) == (ROWS, None, "")
    newest = filled.audit.newest(3)
    assert [entry.sequence for entry in newest] == [12, 11, 10]
    assert newest[0].detail == '{"thing":"泵 11","value":11}'
    assert newest[0].hash == verdict.last_hash
    assert [entry.sequence for entry in filled.audit.newest(2, before=3)] == [2, 1]


@pytest.mark.parametrize(
    ("statement", "row", "why"),
    [
        ("UPDATE audit SET who = 'bob' WHERE sequence = 4", 4, "changed"),
        ("UPDATE audit SET what = 'x' WHERE sequence = 1", 1, "changed"),
        ("UPDATE audit SET detail = '{}' WHERE sequence = 12", 12, "changed"),
        ("UPDATE audit SET time_us = time_us + 1 WHERE sequence = 7", 7, "changed"),
        ("UPDATE audit SET hash = '' WHERE sequence = 7", 7, "changed"),
        ("DELETE FROM audit WHERE sequence = 5", 5, "gap"),
        ("DELETE FROM audit WHERE sequence = 1", 1, "gap"),
        ("DELETE FROM audit WHERE sequence > 9", 10, "cut"),
        ("DELETE FROM audit", 1, "cut"),
    ],
)
def test_the_chain_says_where_it_breaks(
    filled: Accounts, state: State, statement: str, row: int, why: str
) -> None:
    _execute(state, statement)
    verdict = filled.audit.verify()
    assert (verdict.broken_at, verdict.why) == (row, why)


def test_a_row_that_was_rewritten_with_its_hash_breaks_the_next(
    filled: Accounts, state: State
) -> None:
    four, three = filled.audit.newest(2, before=5)
    forged = Entry(4, four.time_us, "bob", four.what, four.detail, "").hashed(three.hash)
    _execute(state, f"UPDATE audit SET who = 'bob', hash = '{forged}' WHERE sequence = 4")
    verdict = filled.audit.verify()
    assert (verdict.broken_at, verdict.why) == (5, "changed")


def test_many_that_write_at_once_make_one_chain(accounts: Accounts) -> None:
    def write(name: str) -> None:
        for number in range(20):
            accounts.record(name, "did", {"number": number})

    accounts.record("first", "did", {})
    threads = [threading.Thread(target=write, args=(f"writer {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts.audit.verify().rows == 81
    assert accounts.audit.verify().broken_at is None


def test_two_programs_that_write_at_once_make_one_chain(accounts: Accounts, state_url: str) -> None:
    """Each with connections of its own, as the plant and the command line have."""
    beside = State(state_url)
    both = (accounts, Accounts(lambda: beside))
    begin = threading.Barrier(4)

    def write(one: Accounts) -> None:
        begin.wait(20)
        for number in range(25):
            one.record("anna", "did", {"number": number})

    threads = [threading.Thread(target=write, args=(both[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdicts = [one.audit.verify() for one in both]
    assert [(one.rows, one.broken_at) for one in verdicts] == [(100, None)] * 2
    assert verdicts[0].last_hash == verdicts[1].last_hash
    beside.close()


def test_a_second_row_with_the_same_number_is_refused(filled: Accounts, state: State) -> None:
    """Whatever a program does that takes no lock: the chain has no place for a branch."""
    with pytest.raises(IntegrityError), state.writing() as connection:
        connection.execute(sa.text("INSERT INTO audit VALUES (5, 0, 'bob', 'x', '{}', '')"))
    assert filled.audit.verify().broken_at is None


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(who=text, what=text, detail=st.dictionaries(text, st.one_of(text, st.integers(-9, 9))))
def test_whatever_is_recorded_comes_back_and_holds(
    accounts: Accounts, who: str, what: str, detail: dict[str, object]
) -> None:
    if "\0" in who + what:
        return  # SQL text ends there
    accounts.record(who, what, detail)
    newest = accounts.audit.newest(1)[0]
    assert (newest.who, newest.what) == (who, what)
    assert accounts.audit.verify().broken_at is None


def test_a_deed_that_fails_leaves_no_row(accounts: Accounts) -> None:
    from lianji.base.errors import InputError
    from lianji.web.access.roles import Role

    accounts.users.add("anna", Role.ADMINISTRATOR, "correct horse battery", "test")
    before = accounts.audit.verify().rows
    with pytest.raises(InputError):
        accounts.users.remove("anna", "test")
    with pytest.raises(InputError):
        accounts.users.add("Anna", Role.VIEWER, "correct horse battery", "test")
    assert accounts.audit.verify().rows == before
