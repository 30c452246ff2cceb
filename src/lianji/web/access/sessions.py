"""Sessions on the server: the browser has a random id, the state its hash, and time ends it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.base.errors import StorageError
from lianji.base.state import State
from lianji.web.access import audit
from lianji.web.access.roles import BY_ROLE, Identity, Role, within
from lianji.web.access.secret_text import bound, digest_of, new_secret
from lianji.web.access.sites import Sites
from lianji.web.access.tables import sessions, users

SEEN_EVERY_US = 60_000_000
"""How exact the last use of a session is: writing it down costs a sync of the disk."""
AGENT_MAX = 200


@dataclass(frozen=True, slots=True)
class Limits:
    idle_us: int
    """So long without a request ends a session."""
    most_us: int
    """So long after the log-in it ends anyway."""


@dataclass(frozen=True, slots=True)
class Session:
    hash: str
    created_us: int
    seen_us: int
    address: str
    agent: str


class Sessions:
    """All calls block shortly."""

    def __init__(self, state: State, limits: Limits) -> None:
        self._state = state
        self._limits = limits

    def begin(self, user_id: int, name: str, address: str, agent: str) -> str:
        """Log the user in; returns the id for the cookie, which is kept nowhere else."""
        secret, now = new_secret(), now_us()
        with self._state.writing() as connection:
            connection.execute(sessions.delete().where(self._is_over(now)))
            connection.execute(
                sessions.insert().values(
                    hash=digest_of(secret),
                    user_id=user_id,
                    created_us=now,
                    seen_us=now,
                    address=address,
                    agent=agent[:AGENT_MAX],
                )
            )
            connection.execute(users.update().where(users.c.id == user_id).values(entered_us=now))
            audit.append(connection, name, "log-in", {"address": address})
        return secret

    def identity(self, secret: str) -> Identity | None:
        """Whose session it is, with the role that the user has now; None if it is over."""
        now, digest = now_us(), digest_of(secret)
        asked = (
            sa.select(sessions.c.seen_us, users.c.id, users.c.name, users.c.role, users.c.sites)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.hash == digest, sa.not_(self._is_over(now)))
        )
        with self._state.reading() as connection:
            row = connection.execute(asked).one_or_none()
        if row is None:
            return None
        if now - row.seen_us > SEEN_EVERY_US:
            with suppress(StorageError), self._state.writing() as connection:  # a full disk
                seen = sessions.update().where(sessions.c.hash == digest)
                connection.execute(seen.values(seen_us=now))
        role, sites = Role(row.role), Sites.of(row.sites)
        may, csrf = within(sites, BY_ROLE[role]), bound(secret, "form")
        return Identity(row.name, "session", may, role, row.id, digest, csrf, sites)

    def of_user(self, user_id: int) -> Sequence[Session]:
        """Those that are not over, the last used first."""
        asked = (
            sa.select(
                sessions.c.hash,
                sessions.c.created_us,
                sessions.c.seen_us,
                sessions.c.address,
                sessions.c.agent,
            )
            .where(sessions.c.user_id == user_id, sa.not_(self._is_over(now_us())))
            .order_by(sessions.c.seen_us.desc())
        )
        with self._state.reading() as connection:
            return [Session(*row) for row in connection.execute(asked)]

    def end(self, digest: str, by: str) -> None:
        with self._state.writing() as connection:
            connection.execute(sessions.delete().where(sessions.c.hash == digest))
            audit.append(connection, by, "log-out", {})

    def end_all(self, user_id: int, name: str, by: str, keep: str = "") -> int:
        """End every session of a user but the one with the hash ``keep``; how many they were."""
        with self._state.writing() as connection:
            done = connection.execute(
                sessions.delete().where(sessions.c.user_id == user_id, sessions.c.hash != keep)
            )
            ended = int(done.rowcount)
            audit.append(connection, by, "sessions-ended", {"user": name, "sessions": ended})
        return ended

    def _is_over(self, now: int) -> sa.ColumnElement[bool]:
        return sa.or_(
            sessions.c.seen_us < now - self._limits.idle_us,
            sessions.c.created_us < now - self._limits.most_us,
        )
