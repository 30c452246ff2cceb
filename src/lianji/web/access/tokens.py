"""API tokens: for programs. Shown once, kept as a hash, with scopes, an end and a last use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.base.state import State
from lianji.web.access import audit
from lianji.web.access.roles import BY_SCOPE, Identity, Need, Scope, within
from lianji.web.access.secret_text import PREFIX, digest_of, new_secret
from lianji.web.access.sites import Sites, listed_as, patterns_of
from lianji.web.access.tables import tokens, users
from lianji.web.access.users import key_of

USED_EVERY_US = 60_000_000
NAME_MAX = 100
DAY_US = 86_400_000_000
DAYS_MAX = 3_650


@dataclass(frozen=True, slots=True)
class Token:
    id: int
    name: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_us: int
    expires_us: int | None
    used_us: int | None
    used_from: str
    sites: tuple[str, ...] = ()
    """Names or patterns; none: all that its maker sees."""


class Tokens:
    """All calls block shortly."""

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> Sequence[Token]:
        with self._state.reading() as connection:
            rows = connection.execute(sa.select(tokens).order_by(tokens.c.name)).all()
        return [
            Token(
                row.id,
                row.name,
                _scopes(row.scopes),
                row.created_by,
                row.created_us,
                row.expires_us,
                row.used_us,
                row.used_from,
                patterns_of(row.sites),
            )
            for row in rows
        ]

    def add(
        self,
        name: str,
        scopes: Iterable[Scope],
        days: int | None,
        by: str,
        sites: Iterable[str] = (),
    ) -> str:
        """Make a token; returns it, which is the only time that anybody sees it.

        ``days`` until it ends; None: never. ``sites`` as users have them: it sees those that its
        maker sees too. Raises InputError.
        """
        name, chosen = name.strip(), sorted(set(scopes))
        _check(name, chosen, days)
        secret, now = new_secret(PREFIX), now_us()
        expires_us = None if days is None else now + days * DAY_US
        listed, seen = ",".join(chosen), listed_as(sites)
        try:
            with self._state.writing() as connection:
                connection.execute(
                    tokens.insert().values(
                        name=name,
                        hash=digest_of(secret),
                        scopes=listed,
                        created_by=by,
                        created_us=now,
                        expires_us=expires_us,
                        sites=seen,
                    )
                )
                detail = {"token": name, "scopes": listed, "days": days, "sites": seen}
                audit.append(connection, by, "token-added", detail)
        except IntegrityError as error:
            raise _refused(
                "token-exists",
                Text(f"There is a token {name!r} already.", f"已有名为“{name}”的令牌。"),
            ) from error
        return secret

    def remove(self, name: str, by: str) -> None:
        """Raises NotFound."""
        with self._state.writing() as connection:
            done = connection.execute(tokens.delete().where(tokens.c.name == name.strip()))
            if not done.rowcount:
                raise NotFound(
                    "token-missing",
                    Text(f"There is no token {name!r}.", f"没有名为“{name}”的令牌。"),
                    Text("See `lianji token list`.", "请用 lianji token list 查看。"),
                )
            audit.append(connection, by, "token-removed", {"token": name.strip()})

    def identity(self, secret: str, address: str) -> Identity | None:
        """What the token may; None if there is none or its time is over."""
        if not secret.startswith(PREFIX):
            return None
        now = now_us()
        with self._state.reading() as connection:
            asked = sa.select(tokens).where(tokens.c.hash == digest_of(secret))
            row = connection.execute(asked).one_or_none()
            maker = "" if row is None else _sites_of(connection, row.created_by)
        if row is None or (row.expires_us is not None and row.expires_us <= now):
            return None
        if row.used_us is None or now - row.used_us > USED_EVERY_US:
            with suppress(StorageError), self._state.writing() as connection:  # a full disk
                used = tokens.update().where(tokens.c.id == row.id)
                connection.execute(used.values(used_us=now, used_from=address))
        scopes = _scopes(row.scopes)
        may: frozenset[Need] = frozenset[Need]().union(*(BY_SCOPE[scope] for scope in scopes))
        sites = Sites.of(row.sites, maker)
        return Identity(f"token {row.name}", "token", within(sites, may), sites=sites)


def _sites_of(connection: sa.Connection, name: str) -> str:
    """Those of the user who made a token; of the command line, or one who is gone: all."""
    asked = sa.select(users.c.sites).where(users.c.name_key == key_of(name))
    return connection.execute(asked).scalar() or ""


def _scopes(listed: str) -> tuple[Scope, ...]:
    return tuple(Scope(one) for one in listed.split(",") if one)


def _check(name: str, scopes: Sequence[Scope], days: int | None) -> None:
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise _refused(
            "token-name-invalid",
            Text("A token needs a name of 1 to 100 characters.", "令牌名称需为 1 到 100 个字符。"),
        )
    if not scopes:
        raise _refused(
            "token-scope-missing",
            Text("A token needs at least one scope.", "令牌至少需要一种权限。"),
        )
    if days is not None and not 1 <= days <= DAYS_MAX:
        raise _refused(
            "token-days-invalid",
            Text(
                f"A token lives for 1 to {DAYS_MAX} days, or for ever.",
                f"令牌有效期为 1 到 {DAYS_MAX} 天，或永久。",
            ),
        )


def _refused(code: str, cause: Text) -> InputError:
    return InputError(code, cause, Text("Change it and try again.", "请修改后重试。"))
