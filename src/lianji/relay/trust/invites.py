"""Invitations in the state database: a token is good once, for 15 minutes; its hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lianji.base.errors import Text
from lianji.relay.trust.refusals import Untrusted
from lianji.relay.trust.tables import invites

INVITE_US = 15 * 60 * 1_000_000
CLOCK_BACK_US = 60 * 1_000_000
"""So much may the clock be set back while an invitation is open."""
KEPT_US = 96 * INVITE_US
"""So long it is remembered that one was used, or over."""


@dataclass(frozen=True, slots=True)
class Invite:
    """``sites`` are patterns, ``expires_us`` microseconds, UTC."""

    edge: str
    sites: tuple[str, ...]
    expires_us: int


def make(connection: sa.Connection, edge: str, sites: Sequence[str], now: int) -> str:
    """The token, which nobody sees again. Earlier ones of the edge end."""
    end(connection, edge, now)
    token = f"{edge}.{secrets.token_urlsafe(32)}"
    values = {
        "hash": _digest(token),
        "edge": edge,
        "sites": json.dumps(sites, ensure_ascii=False),
        "created_us": now,
        "expires_us": now + INVITE_US,
    }
    connection.execute(invites.insert().values(values))
    return token


def check(connection: sa.Connection, token: str, edge: str, now: int) -> Invite:
    """The invitation of this edge, if it is good. Raises Untrusted."""
    digest = _digest(token)
    found = connection.execute(sa.select(invites).where(invites.c.hash == digest)).one_or_none()
    if found is None or not hmac.compare_digest(found.hash, digest) or found.edge != edge:
        raise _unknown()
    if not found.created_us - CLOCK_BACK_US <= now < found.expires_us:
        raise _late()
    if found.used_us is not None:
        raise _used()
    return _invite(found)


def take(connection: sa.Connection, token: str, edge: str, now: int) -> Invite:
    """Use it up, within a transaction that writes: of two at once one succeeds. Raises Untrusted.

    The update asks once more whether it is unused, for databases that let two look at once.
    """
    found, digest = check(connection, token, edge, now), _digest(token)
    unused = invites.update().where(invites.c.hash == digest, invites.c.used_us.is_(None))
    if connection.execute(unused.values(used_us=now)).rowcount != 1:
        raise _used()
    return found


def end(connection: sa.Connection, edge: str, now: int) -> int:
    """Forget the open ones of the edge (their number), and what is long over."""
    t = invites
    ended = t.delete().where(t.c.edge == edge, t.c.used_us.is_(None), t.c.expires_us > now)
    number = connection.execute(ended).rowcount
    connection.execute(t.delete().where(t.c.expires_us <= now - KEPT_US))
    return number


def open_ones(connection: sa.Connection, now: int) -> list[Invite]:
    """Those that are good now, by the edge's name."""
    asked = sa.select(invites).where(invites.c.used_us.is_(None), invites.c.expires_us > now)
    return [_invite(row) for row in connection.execute(asked.order_by(invites.c.edge))]


def _invite(row: Any) -> Invite:
    return Invite(row.edge, tuple(json.loads(row.sites)), row.expires_us)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


_AGAIN = Text(
    "On the hub make a new invitation with `lianji hub invite`.",
    "请在中心用 `lianji hub invite` 重新邀请。",
)


def _unknown() -> Untrusted:
    return Untrusted(
        "invite-unknown", Text("The hub has no such invitation.", "中心没有此邀请。"), _AGAIN
    )


def _late() -> Untrusted:
    return Untrusted(
        "invite-expired",
        Text("The invitation is over: it is good for 15 minutes.", "邀请已过期：有效期 15 分钟。"),
        _AGAIN,
    )


def _used() -> Untrusted:
    return Untrusted(
        "invite-used",
        Text(
            "The invitation was used already. If that was not you, shut the edge out now.",
            "邀请已被使用。若非您本人所为，请立即吊销该边缘。",
        ),
        _AGAIN,
    )
