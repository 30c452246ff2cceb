"""What may be needed of somebody, which roles and scopes have it, and who somebody is.

viewer          read
operator        read, operate (acknowledge, annotate)
engineer        read, operate, push, configure
administrator   everything

Who may see some sites only may not configure or administer, whatever the role.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lianji.web.access.sites import ALL, Sites


class Need(StrEnum):
    """What a route needs of whoever asks it."""

    ANYBODY = "anybody"
    MEMBER = "member"
    """Somebody who is logged in, whatever the role: for their own password."""
    READ = "read"
    OPERATE = "operate"
    PUSH = "push"
    CONFIGURE = "configure"
    ADMINISTER = "administer"


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """What an API token is for."""

    READ = "read"
    PUSH = "push"
    CONFIGURE = "configure"
    ADMIN = "admin"


_READ = frozenset({Need.ANYBODY, Need.READ})
_OPERATE = _READ | {Need.OPERATE}
_CONFIGURE = _OPERATE | {Need.PUSH, Need.CONFIGURE}
_ALL = frozenset(Need)

BY_ROLE = {
    Role.VIEWER: _READ | {Need.MEMBER},
    Role.OPERATOR: _OPERATE | {Need.MEMBER},
    Role.ENGINEER: _CONFIGURE | {Need.MEMBER},
    Role.ADMINISTRATOR: _ALL,
}
BY_SCOPE = {
    Scope.READ: _READ,
    Scope.PUSH: frozenset({Need.ANYBODY, Need.PUSH}),
    Scope.CONFIGURE: _CONFIGURE,
    Scope.ADMIN: _ALL - {Need.MEMBER},
}
WHOLE_PLANT = frozenset({Need.CONFIGURE, Need.ADMINISTER})
"""What nobody may who may see some sites only."""


def within(sites: Sites, may: frozenset[Need]) -> frozenset[Need]:
    return may - WHOLE_PLANT if sites.limited else may


Kind = Literal["session", "token", "key", "open"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody that is known: a user by session, a program by token, this machine by its key."""

    name: str
    """As the audit log names it."""
    kind: Kind
    may: frozenset[Need]
    role: Role | None = None
    user_id: int = 0
    """Of a session's user; else 0."""
    session: str = ""
    """The hash of the session's id; else empty."""
    csrf: str = ""
    """What forms of this session must bring; empty where none is asked."""
    sites: Sites = ALL
    """What they may see: tags below these sites and nothing that is about the whole plant."""


OPEN = Identity("anybody on this machine", "open", _ALL - {Need.MEMBER}, Role.ADMINISTRATOR)
KEY = Identity("command line", "key", _ALL - {Need.MEMBER}, Role.ADMINISTRATOR)
