"""A hub's messages in its state database: sent once, told until they are answered.

    queued --told--> sent --> applied | refused
       |               |
       +-> superseded  +--> expired        (both also end what was only queued)

What expired may still turn out to be applied or refused: an answer that comes late counts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import NotFound
from lianji.base.ids import new_id
from lianji.base.state import State
from lianji.relay.messages.contents import Contents
from lianji.relay.messages.envelope import Envelope, Signed
from lianji.relay.messages.kinds import LENGTH_MAX, Kind
from lianji.relay.messages.refusals import content_missing, too_large
from lianji.relay.messages.tables import messages
from lianji.relay.trust.edges import Audit, locked_edge

OPEN = ("queued", "sent")
INLINE_BYTES_MAX = 64 * 1024
"""A larger content is fetched by the edge."""
AT_ONCE = 8
"""So many messages go with one answer, so that it stays below an exchange's limit."""
RESEND_S = 10.0
"""A message whose answer did not come is told again after so long."""
LIVES_US = 7 * 86_400_000_000
ANSWER_BYTES_MAX = 64 * 1024
KEPT_US = 400 * 86_400_000_000
"""So long it is listed what became of a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message and what became of it. Times are microseconds since 1970 UTC."""

    id: str
    edge: str
    kind: str
    name: str
    version: int
    sender: str
    state: str
    created_us: int
    expires_us: int
    sent_us: int | None
    answered_us: int | None
    reason: dict[str, Any] | None
    """Why it was refused: code, cause and remedy in both languages."""
    result: dict[str, Any] | None
    digest: str
    """SHA-256 of what was sent."""


class Messages:
    """The hub's outbox: see ``exchange.Outbox``. Thread-safe; several processes may have one.

    All calls block shortly and raise StorageError if the database fails.
    """

    def __init__(
        self,
        state: State,
        contents: Path,
        *,
        audit: Audit | None = None,
        clock: Callable[[], int] = now_us,
        ticks: Callable[[], float] = monotonic_s,
        resend_s: float = RESEND_S,
    ) -> None:
        self.state, self._contents = state, Contents(contents)
        self._audit, self._clock, self._ticks = audit, clock, ticks
        self._resend_s = resend_s
        self._told: dict[str, tuple[str, float]] = {}
        """Edge and when it was told, of messages that are not answered."""
        self._lock = threading.Lock()

    # -- sending -----------------------------------------------------------------------------

    def send(
        self,
        key: Ed25519PrivateKey,
        edges: Iterable[str],
        kind: Kind,
        name: str,
        content: bytes,
        by: str,
        lives_us: int = LIVES_US,
    ) -> list[Envelope]:
        """Sign and queue one message an edge, all of them or none.

        Raises InputError for a content that is too large, NotFound for an edge that is not there,
        Untrusted for one that is shut out.
        """
        if len(content) > LENGTH_MAX[kind]:
            raise too_large(kind, len(content), LENGTH_MAX[kind])
        digest = self._contents.put(content)
        now, sent = self._clock(), []
        with self.state.writing() as connection:
            for edge in edges:
                locked_edge(connection, edge)
                version = _next_version(connection, edge, kind, now)
                envelope = Envelope(
                    new_id().hex(), edge, kind, name, version, now, now + lives_us, digest,
                    len(content),
                )  # fmt: skip
                self._supersede(connection, envelope)
                self._queue(connection, Signed.by(key, envelope), by)
                sent.append(envelope)
        self._prune()
        return sent

    def _supersede(self, connection: sa.Connection, newer: Envelope) -> None:
        """What was never told and is said anew is not told any more; commands all count."""
        if newer.kind == Kind.COMMAND:
            return
        t = messages
        older = (t.c.edge == newer.edge, t.c.kind == newer.kind, t.c.name == newer.name)
        queued = t.update().where(*older, t.c.state == "queued")
        connection.execute(queued.values(state="superseded", answered_us=newer.created_us))

    def _queue(self, connection: sa.Connection, signed: Signed, by: str) -> None:
        one = signed.envelope
        values = {name: getattr(one, name) for name in Envelope.__slots__}
        values |= {"signature": signed.signature, "sender": by, "state": "queued"}
        connection.execute(messages.insert().values(values))
        self._note(connection, by, "message-sent", _about(one))

    # -- the other side ----------------------------------------------------------------------

    def newest(self) -> int:
        """Grows with each message, whichever process sends it. Cheap."""
        with self.state.reading() as connection:
            return connection.execute(sa.select(sa.func.max(messages.c.number))).scalar() or 0

    def expected_by(self) -> Sequence[str]:
        """The edges that have messages to come."""
        asked = sa.select(messages.c.edge).where(messages.c.state.in_(OPEN)).distinct()
        with self.state.reading() as connection:
            return [str(edge) for edge in connection.execute(asked).scalars()]

    def overdue(self) -> set[str]:
        """The edges that were told something long ago and have not answered. Quick."""
        ticks = self._ticks()
        with self._lock:
            return {edge for edge, told in self._told.values() if ticks - told >= self._resend_s}

    def waiting(self, edge: str) -> Sequence[dict[str, Any]]:
        """What is to be told to this edge now, in order."""
        now, ticks = self._clock(), self._ticks()
        rows = self._open_rows(edge)
        due = [row for row in rows if row.expires_us > now and self._is_due(row.id, ticks)][
            :AT_ONCE
        ]
        late = [row.id for row in rows if row.expires_us <= now]
        fresh = [row.id for row in due if row.state == "queued"]
        if late or fresh:
            with self.state.writing() as connection:
                _move(connection, late, state="expired", answered_us=now)
                _move(connection, fresh, state="sent", sent_us=now)
        with self._lock:
            self._told.update({row.id: (edge, ticks) for row in due})
            for identity in late:
                self._told.pop(identity, None)
        return [self._signed(row).as_json() for row in due]

    def _open_rows(self, edge: str) -> Sequence[Any]:
        asked = sa.select(messages).where(messages.c.edge == edge, messages.c.state.in_(OPEN))
        with self.state.reading() as connection:
            return connection.execute(asked.order_by(messages.c.number)).all()

    def _is_due(self, identity: str, ticks: float) -> bool:
        with self._lock:
            told = self._told.get(identity)
        return told is None or ticks - told[1] >= self._resend_s

    def _signed(self, row: Any) -> Signed:
        envelope = Envelope(**{name: getattr(row, name) for name in Envelope.__slots__})
        content = None
        if envelope.length <= INLINE_BYTES_MAX:
            with suppress(NotFound):  # then the edge asks for it, and is told so
                content = self._contents.path(envelope.digest).read_bytes()
        return Signed(envelope, row.signature, content)

    def answered(self, edge: str, results: Sequence[Any]) -> None:
        """What became of messages of this edge; an answer counts once."""
        final = [one for one in results if _is_final(one)]
        if not final:
            return
        with self.state.writing() as connection:
            for one in final:
                self._take(connection, edge, one)

    def _take(self, connection: sa.Connection, edge: str, told: Mapping[str, Any]) -> None:
        t = messages
        mine = (t.c.id == told["id"], t.c.edge == edge, t.c.state.in_((*OPEN, "expired")))
        row = connection.execute(sa.select(t).where(*mine)).one_or_none()
        if row is None:
            return
        reason, result = _text_of(told.get("reason")), _text_of(told.get("result"))
        _move(connection, [row.id], state=told["state"], answered_us=self._clock(),
              reason=reason, result=result)  # fmt: skip
        detail = {**_about(row), "reason": (told.get("reason") or {}).get("code", "")}
        self._note(connection, f"edge {edge}", f"message-{told['state']}", detail)
        with self._lock:
            self._told.pop(row.id, None)

    def content(self, edge: str, identity: str) -> Path:
        """Where the content of an open message to this edge lies. Raises NotFound."""
        t = messages
        asked = sa.select(t.c.digest).where(
            t.c.id == identity, t.c.edge == edge, t.c.state.in_(OPEN)
        )
        with self.state.reading() as connection:
            digest = connection.execute(asked).scalar()
        if digest is None:
            raise content_missing()
        return self._contents.path(digest)

    # -- looking -----------------------------------------------------------------------------

    def all(self, edge: str | None = None, count: int = 100) -> Sequence[Message]:
        """The newest first."""
        asked = sa.select(messages).order_by(messages.c.number.desc()).limit(count)
        if edge is not None:
            asked = asked.where(messages.c.edge == edge)
        now = self._clock()
        with self.state.reading() as connection:
            return [_message(row, now) for row in connection.execute(asked)]

    def named(self, kind: Kind, name: str) -> Sequence[Message]:
        """All of this kind and name that are still listed, the newest first."""
        t, now = messages, self._clock()
        asked = sa.select(t).where(t.c.kind == kind, t.c.name == name)
        with self.state.reading() as connection:
            found = connection.execute(asked.order_by(t.c.number.desc()))
            return [_message(row, now) for row in found]

    def _prune(self) -> None:
        """Let go of contents that nobody waits for any more, and of what is long over."""
        t, now = messages, self._clock()
        asked = sa.select(t.c.digest).where(t.c.state.in_(OPEN), t.c.expires_us > now).distinct()
        with self.state.reading() as connection:
            wanted = set(connection.execute(asked).scalars())
        self._contents.prune(wanted)
        with self.state.writing() as connection:
            connection.execute(t.delete().where(t.c.expires_us < now - KEPT_US))

    def _note(
        self, connection: sa.Connection, by: str, what: str, detail: Mapping[str, object]
    ) -> None:
        if self._audit is not None:
            self._audit(connection, by, what, detail)


def _next_version(connection: sa.Connection, edge: str, kind: str, now: int) -> int:
    """At least the milliseconds since 1970, so that a hub that was restored does not count anew."""
    t = messages
    last = sa.select(sa.func.max(t.c.version)).where(t.c.edge == edge, t.c.kind == kind)
    return max((connection.execute(last).scalar() or 0) + 1, now // 1000)


def _move(connection: sa.Connection, ids: Sequence[str], **values: Any) -> None:
    if ids:
        connection.execute(messages.update().where(messages.c.id.in_(ids)).values(**values))


def _about(one: Any) -> dict[str, object]:
    return {"edge": one.edge, "kind": str(one.kind), "name": one.name, "version": one.version}


def _is_final(told: Any) -> bool:
    return (
        isinstance(told, dict)
        and isinstance(told.get("id"), str)
        and told.get("state") in ("applied", "refused")
        and all(isinstance(told.get(name) or {}, dict) for name in ("reason", "result"))
    )


def _text_of(part: Any) -> str | None:
    """JSON of what an edge said; one that talks too much is not listened to."""
    text = json.dumps(part, ensure_ascii=False) if part else None
    return text if text is None or len(text) <= ANSWER_BYTES_MAX else None


def _message(row: Any, now: int) -> Message:
    values = {name: getattr(row, name) for name in Message.__slots__}
    for name in ("reason", "result"):
        values[name] = json.loads(values[name]) if values[name] else None
    if row.state in OPEN and row.expires_us <= now:
        values["state"] = "expired"
    return Message(**values)
