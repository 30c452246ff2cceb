"""Users, passwords, sessions and tokens as they are kept."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lianji.base.errors import InputError, NotFound, StorageError
from lianji.base.state import State
from lianji.web.access.accounts import Accounts
from lianji.web.access.passwords import Passwords, check
from lianji.web.access.roles import Need, Role, Scope
from lianji.web.access.tables import METADATA
from lianji.web.access.tokens import Tokens

PASSWORD = "correct horse battery"


def _add(accounts: Accounts, name: str = "anna", role: Role = Role.ADMINISTRATOR) -> int:
    return accounts.users.add(name, role, PASSWORD, "test").id


def test_no_password_session_or_token_lies_in_the_state(
    accounts: Accounts, state: State, tmp_path: Path
) -> None:
    user = _add(accounts)
    session = accounts.sessions.begin(user, "anna", "10.0.0.9", "browser")
    token = accounts.tokens.add("telegraf", [Scope.PUSH], 30, "anna")
    with state.reading() as connection:
        for table in METADATA.sorted_tables:
            kept = repr(connection.execute(sa.select(table)).all())
            assert not [one for one in (PASSWORD, session, token) if one in kept], table
    state.close()
    for path in tmp_path.glob("data/*"):
        content = path.read_bytes()
        for secret in (PASSWORD, session, token):
            assert secret.encode() not in content, path
    with state.reading() as connection:
        stored = connection.execute(sa.text("SELECT password FROM users")).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=32768,t=3,p=1$")


def test_only_the_right_password_fits(accounts: Accounts) -> None:
    _add(accounts)
    assert accounts.users.with_password("ANNA ", PASSWORD) is not None
    for name, password in (
        ("anna", PASSWORD[:-1]),
        ("anna", ""),
        ("anna", "x" * 5_000),
        ("anna", PASSWORD + "\0"),
        ("bob", PASSWORD),
        ("", ""),
        ("' OR 1=1 --", PASSWORD),
    ):
        assert accounts.users.with_password(name, password) is None


def test_a_user_who_is_not_there_takes_as_long_as_a_wrong_password(accounts: Accounts) -> None:
    _add(accounts)
    accounts.users.with_password("nobody", PASSWORD)  # argon2 is loaded

    def took(name: str) -> float:
        began = time.perf_counter()
        accounts.users.with_password(name, "wrong horse battery")
        return time.perf_counter() - began

    pairs = [(took("anna"), took("nobody")) for _ in range(9)]
    there, missing = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert 0.5 < there / missing < 2


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password-short"),
        ("九个字符的密码短了", "password-short"),
        ("x" * 1_001, "password-long"),
        ("Administrator", "password-common"),
        ("1234567890", "password-common"),
        ("aaaaaaaaaaaa", "password-common"),
        ("anna123456789", "password-common"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        check(password, "anna")
    assert refused.value.code == code


@pytest.mark.parametrize("password", [PASSWORD, "我们厂里的老师傅姓王不姓张", "  spaces count  "])
def test_a_long_password_is_taken_as_it_is(password: str) -> None:
    check(password, "anna")
    passwords = Passwords()
    assert passwords.fits(password, passwords.hashed(password))
    assert not passwords.fits(password.strip() + ".", passwords.hashed(password))


@pytest.mark.parametrize("name", ["", " ", "a\nb", "<b>", "x" * 65, "a/b", "\0", "-"])
def test_a_name_that_cannot_be_shown_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(InputError) as refused:
        accounts.users.add(name, Role.VIEWER, PASSWORD, "test")
    assert refused.value.code == "user-name-invalid"


def test_names_that_differ_in_case_are_one(accounts: Accounts) -> None:
    _add(accounts, "Anna")
    with pytest.raises(InputError) as refused:
        _add(accounts, "aNNA")
    assert refused.value.code == "user-exists"


def test_the_last_administrator_stays(accounts: Accounts) -> None:
    _add(accounts)
    for deed in (
        lambda: accounts.users.remove("anna", "test"),
        lambda: accounts.users.set_role("anna", Role.ENGINEER, "test"),
    ):
        with pytest.raises(InputError) as refused:
            deed()
        assert refused.value.code == "last-administrator"
    _add(accounts, "bob")
    accounts.users.set_role("anna", Role.ENGINEER, "test")
    assert accounts.users.named("anna").role is Role.ENGINEER


def test_two_that_demote_each_other_at_once_leave_one(accounts: Accounts) -> None:
    _add(accounts, "anna")
    _add(accounts, "bob")
    refused: list[InputError] = []

    def demote(name: str) -> None:
        try:
            accounts.users.set_role(name, Role.VIEWER, "test")
        except InputError as error:
            refused.append(error)

    threads = [threading.Thread(target=demote, args=(name,)) for name in ("anna", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in refused] == ["last-administrator"]
    assert accounts.users.any_administrator()


def test_only_one_is_the_first_administrator(accounts: Accounts) -> None:
    made: list[str] = []

    def first(name: str) -> None:
        try:
            made.append(accounts.users.add(name, Role.ADMINISTRATOR, PASSWORD, "test", True).name)
        except InputError as error:
            assert error.code == "not-first-run"

    threads = [threading.Thread(target=first, args=(f"user{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 == len(accounts.users.all())


def _age(state: State, column: str, seconds: float) -> None:
    with state.writing() as connection:
        connection.execute(
            sa.text(f"UPDATE sessions SET {column} = {column} - :us"), {"us": int(seconds * 1e6)}
        )


def test_a_session_knows_its_user_until_time_or_a_person_ends_it(
    accounts: Accounts, state: State
) -> None:
    user = _add(accounts)
    session = accounts.sessions.begin(user, "anna", "10.0.0.9", "browser")
    who = accounts.sessions.identity(session)
    assert who is not None and (who.name, who.role) == ("anna", Role.ADMINISTRATOR)
    assert accounts.sessions.identity(session[:-1]) is None
    assert accounts.sessions.identity(who.session) is None  # what is stored is no key
    accounts.users.add("bob", Role.ADMINISTRATOR, PASSWORD, "test")
    accounts.users.set_role("anna", Role.VIEWER, "bob")
    now = accounts.sessions.identity(session)
    assert now is not None and now.role is Role.VIEWER
    accounts.users.remove("anna", "bob")
    assert accounts.sessions.identity(session) is None


@pytest.mark.parametrize(("column", "hours"), [("seen_us", 12), ("created_us", 720)])
def test_a_session_ends_when_idle_and_when_old(
    accounts: Accounts, state: State, column: str, hours: int
) -> None:
    session = accounts.sessions.begin(_add(accounts), "anna", "", "")
    _age(state, column, hours * 3600 - 30)
    assert accounts.sessions.identity(session) is not None  # which is a use of it
    _age(state, column, hours * 3600 + 30)
    assert accounts.sessions.identity(session) is None


def test_a_new_password_ends_every_session_but_ones_own(accounts: Accounts) -> None:
    user = _add(accounts)
    mine, other = (accounts.sessions.begin(user, "anna", "", "") for _ in range(2))
    me = accounts.sessions.identity(mine)
    assert me is not None
    accounts.users.set_password("anna", "another horse battery", "anna", me.session)
    assert accounts.sessions.identity(mine) is not None
    assert accounts.sessions.identity(other) is None
    assert accounts.sessions.end_all(user, "anna", "bob") == 1
    assert accounts.sessions.identity(mine) is None


def test_a_token_may_what_its_scopes_say_until_it_ends(accounts: Accounts, state: State) -> None:
    secret = accounts.tokens.add("telegraf", [Scope.PUSH], 30, "anna")
    who = accounts.tokens.identity(secret, "10.0.0.7")
    assert who is not None and who.may == {Need.ANYBODY, Need.PUSH}
    assert accounts.tokens.all()[0].used_from == "10.0.0.7"
    assert accounts.tokens.identity(secret + "x", "") is None
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE tokens SET expires_us = created_us"))
    assert accounts.tokens.identity(secret, "") is None
    accounts.tokens.remove("telegraf", "anna")
    with pytest.raises(NotFound):
        accounts.tokens.remove("telegraf", "anna")


@pytest.mark.parametrize(
    ("name", "scopes", "days", "code"),
    [
        ("", [Scope.READ], 1, "token-name-invalid"),
        ("a\nb", [Scope.READ], 1, "token-name-invalid"),
        ("a", [], 1, "token-scope-missing"),
        ("a", [Scope.READ], 0, "token-days-invalid"),
        ("a", [Scope.READ], 10_000, "token-days-invalid"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    state: State, name: str, scopes: list[Scope], days: int, code: str
) -> None:
    with pytest.raises(InputError) as refused:
        Tokens(state).add(name, scopes, days, "anna")
    assert refused.value.code == code


def test_sites_are_kept_changed_and_written_down(accounts: Accounts) -> None:
    sites = [" park1-* ", "b", "b"]
    accounts.users.add("li", Role.ENGINEER, PASSWORD, "test", sites=sites)
    assert accounts.users.named("li").sites == ("park1-*", "b")
    session = accounts.sessions.begin(accounts.users.named("li").id, "li", "", "")
    who = accounts.sessions.identity(session)
    assert who is not None
    assert who.sites.sees("park1-2/x") and not who.sites.sees("c/x")
    assert not {Need.CONFIGURE, Need.ADMINISTER} & who.may
    assert {Need.READ, Need.OPERATE, Need.PUSH, Need.MEMBER} <= who.may
    accounts.users.set_sites("li", [], "anna")
    now = accounts.sessions.identity(session)
    assert now is not None
    assert now.sites.sees("c/x") and Need.CONFIGURE in now.may
    newest = accounts.audit.newest(1)[0]
    assert newest.detail == '{"before":"park1-*,b","sites":"","user":"li"}'


def test_an_administrator_is_never_limited(accounts: Accounts) -> None:
    with pytest.raises(InputError) as refused:
        accounts.users.add("anna", Role.ADMINISTRATOR, PASSWORD, "test", sites=["a"])
    assert refused.value.code == "administrator-limited"
    accounts.users.add("li", Role.VIEWER, PASSWORD, "test", sites=["a"])
    with pytest.raises(InputError):
        accounts.users.set_role("li", Role.ADMINISTRATOR, "test")
    _add(accounts)
    with pytest.raises(InputError):
        accounts.users.set_sites("anna", ["a"], "test")


def test_who_is_known_stays_known_where_nothing_can_be_written(
    accounts: Accounts, state: State
) -> None:
    session = accounts.sessions.begin(_add(accounts), "anna", "", "")
    token = accounts.tokens.add("telegraf", [Scope.PUSH], 30, "anna")
    _age(state, "seen_us", 3600)

    sqlite = state.engine.dialect.name == "sqlite"

    @sa.event.listens_for(state.engine, "begin")
    def read_only(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "PRAGMA query_only=ON" if sqlite else "SET TRANSACTION READ ONLY"
        )

    with pytest.raises(StorageError):
        accounts.record("anna", "thing-changed", {})
    assert accounts.sessions.identity(session) is not None
    assert accounts.tokens.identity(token, "10.0.0.7") is not None
