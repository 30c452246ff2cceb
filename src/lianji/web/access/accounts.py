"""Users, sessions, tokens and the audit log of one state, opened when somebody asks for them.

Nothing here is imported with SQLAlchemy behind it before that: a plant that nobody has asked yet
carries none of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianji.base.state import State
    from lianji.web.access.audit import Audit, Detail
    from lianji.web.access.sessions import Sessions
    from lianji.web.access.tokens import Tokens
    from lianji.web.access.users import Users

HOUR_US = 3_600_000_000


class Accounts:
    """Thread-safe; all that its rooms do blocks, so it is asked from worker threads."""

    def __init__(
        self, state: Callable[[], State], idle_h: float = 12, session_h: float = 720
    ) -> None:
        """``state`` is called once, at the first need; who made the state closes it."""
        self._open = state
        self._idle_h, self.session_h = idle_h, session_h
        self._lock = threading.RLock()

    @cached_property
    def _state(self) -> State:
        with self._lock:
            return self.__dict__.get("_state") or self._open()

    @cached_property
    def users(self) -> Users:
        from lianji.web.access.passwords import Passwords
        from lianji.web.access.users import Users

        with self._lock:
            return self.__dict__.get("users") or Users(self._state, Passwords())

    @cached_property
    def sessions(self) -> Sessions:
        from lianji.web.access.sessions import Limits, Sessions

        limits = Limits(int(self._idle_h * HOUR_US), int(self.session_h * HOUR_US))
        return Sessions(self._state, limits)

    @cached_property
    def tokens(self) -> Tokens:
        from lianji.web.access.tokens import Tokens

        return Tokens(self._state)

    @cached_property
    def audit(self) -> Audit:
        from lianji.web.access.audit import Audit

        return Audit(self._state)

    @cached_property
    def device_secret(self) -> str:
        """What device cookies are signed with; made at the first need."""
        from sqlalchemy import select

        from lianji.web.access.secret_text import new_secret
        from lianji.web.access.tables import secrets

        asked = select(secrets.c.secret).where(secrets.c.name == "device")
        with self._state.writing() as connection:
            found = connection.execute(asked).scalar()
            if found is None:
                found = new_secret()
                connection.execute(secrets.insert().values(name="device", secret=found))
        return str(found)

    def record(self, who: str, what: str, detail: Detail) -> None:
        """Note a change in the audit log. It is on disk when this returns. Raises StorageError."""
        self.audit.record(who, what, detail)
