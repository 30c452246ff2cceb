"""Users: a name, a role, a password, the sites that they see. One administrator at least stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound, Text
from lianji.base.state import State
from lianji.web.access import audit
from lianji.web.access.passwords import Passwords, check
from lianji.web.access.roles import Role
from lianji.web.access.sites import listed_as, patterns_of
from lianji.web.access.tables import sessions, users

_NAME = re.compile(r"[\w][\w .@+-]{0,62}[\w]|[\w]")


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    role: Role
    created_us: int
    entered_us: int | None
    """The last log-in."""
    sites: tuple[str, ...] = ()
    """Names or patterns; none: all sites."""


class Users:
    """All calls block; those with a password as long as argon2 takes."""

    def __init__(self, state: State, passwords: Passwords) -> None:
        self._state = state
        self._passwords = passwords

    def all(self) -> Sequence[User]:
        with self._state.reading() as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.name_key))
            return [_user(row) for row in rows]

    def named(self, name: str) -> User:
        """Raises NotFound."""
        with self._state.reading() as connection:
            return _user(_row(connection, name))

    def any_administrator(self) -> bool:
        with self._state.reading() as connection:
            return _administrators(connection) > 0

    def add(
        self,
        name: str,
        role: Role,
        password: str,
        by: str,
        first: bool = False,
        sites: Iterable[str] = (),
    ) -> User:
        """Raises InputError for a name that is taken or no name, a password that is too easy, or
        sites that are none.

        ``first``: only while there is no administrator, whoever else does the same.
        """
        name = checked_name(name)
        check(password, name)
        hashed = self._passwords.hashed(password)
        listed = listed_as(sites)
        _check_role(role, listed)
        values = {"name": name, "name_key": key_of(name), "role": role.value, "sites": listed}
        try:
            with self._state.writing() as connection:
                if first and _administrators(connection):
                    raise _not_first()
                connection.execute(
                    users.insert().values(**values, password=hashed, created_us=now_us())
                )
                detail = {"user": name, "role": role.value, "sites": listed}
                audit.append(connection, by, "user-added", detail)
                return _user(_row(connection, name))
        except IntegrityError as error:
            raise _taken(name) from error

    def set_password(self, name: str, password: str, by: str, keep: str = "") -> None:
        """A new password; it ends all sessions of the user but the one with the hash ``keep``."""
        user = self.named(name)
        check(password, user.name)
        hashed = self._passwords.hashed(password)
        with self._state.writing() as connection:
            row = _row(connection, name)
            connection.execute(users.update().where(users.c.id == row.id).values(password=hashed))
            connection.execute(
                sessions.delete().where(sessions.c.user_id == row.id, sessions.c.hash != keep)
            )
            audit.append(connection, by, "password-set", {"user": row.name})

    def set_role(self, name: str, role: Role, by: str) -> None:
        with self._state.writing() as connection:
            row = _row(connection, name)
            _check_role(role, row.sites)
            if role is not Role.ADMINISTRATOR:
                _keep_an_administrator(connection, row)
            connection.execute(users.update().where(users.c.id == row.id).values(role=role.value))
            detail = {"user": row.name, "role": role.value, "before": row.role}
            audit.append(connection, by, "role-set", detail)

    def set_sites(self, name: str, sites: Iterable[str], by: str) -> None:
        """Which sites the user may see from now on; none named: all. Raises InputError."""
        listed = listed_as(sites)
        with self._state.writing() as connection:
            row = _row(connection, name)
            _check_role(Role(row.role), listed)
            connection.execute(users.update().where(users.c.id == row.id).values(sites=listed))
            detail = {"user": row.name, "sites": listed, "before": row.sites}
            audit.append(connection, by, "sites-set", detail)

    def remove(self, name: str, by: str) -> None:
        """The user and all sessions; what the user did stays in the audit log."""
        with self._state.writing() as connection:
            row = _row(connection, name)
            _keep_an_administrator(connection, row)
            connection.execute(users.delete().where(users.c.id == row.id))
            audit.append(connection, by, "user-removed", {"user": row.name, "role": row.role})

    def with_password(self, name: str, password: str) -> User | None:
        """The user with this name and password; None takes as long as a wrong password."""
        with self._state.reading() as connection:
            row = connection.execute(_named(name)).one_or_none()
        fits = self._passwords.fits(password, None if row is None else row.password)
        return _user(row) if row is not None and fits else None


def key_of(name: str) -> str:
    """Names that differ only in case are the same."""
    return name.strip().casefold()


def checked_name(name: str) -> str:
    """Raises InputError."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise InputError(
            "user-name-invalid",
            Text("That cannot be the name of a user.", "该名称不能作为用户名。"),
            Text(
                "Use up to 64 letters, digits, spaces and . _ - @ +, letters at both ends.",
                "请使用不超过 64 个字母、汉字、数字、空格或 . _ - @ +，首尾为字母或数字。",
            ),
        )
    return name


def _named(name: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(users).where(users.c.name_key == key_of(name))


def _row(connection: sa.Connection, name: str) -> sa.Row[tuple[object, ...]]:
    row = connection.execute(_named(name)).one_or_none()
    if row is None:
        raise NotFound(
            "user-missing",
            Text(f"There is no user {name!r}.", f"没有名为“{name}”的用户。"),
            Text("See `lianji user list`.", "请用 lianji user list 查看。"),
        )
    return row


def _user(row: sa.Row[tuple[object, ...]]) -> User:
    sites = patterns_of(row.sites)
    return User(row.id, row.name, Role(row.role), row.created_us, row.entered_us, sites)


def _check_role(role: Role, sites: str) -> None:
    if role is Role.ADMINISTRATOR and sites:
        raise InputError(
            "administrator-limited",
            Text("An administrator sees all sites.", "管理员可查看全部站点。"),
            Text("Take another role, or name no sites.", "请选择其他角色，或不填写站点。"),
        )


def _administrators(connection: sa.Connection) -> int:
    counted = sa.select(sa.func.count()).select_from(users)
    found = connection.execute(counted.where(users.c.role == Role.ADMINISTRATOR.value))
    return int(found.scalar_one())


def _keep_an_administrator(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> None:
    if row.role == Role.ADMINISTRATOR.value and _administrators(connection) == 1:
        raise InputError(
            "last-administrator",
            Text(f"{row.name} is the only administrator.", f"{row.name} 是唯一的管理员。"),
            Text("Make another administrator first.", "请先指定另一位管理员。"),
        )


def _taken(name: str) -> InputError:
    return InputError(
        "user-exists",
        Text(f"There is a user {name!r} already.", f"已有名为“{name}”的用户。"),
        Text("Take another name.", "请换一个名称。"),
    )


def _not_first() -> InputError:
    return InputError(
        "not-first-run",
        Text("There is an administrator already.", "已有管理员。"),
        Text("Log in at /login.", "请在 /login 登录。"),
    )
