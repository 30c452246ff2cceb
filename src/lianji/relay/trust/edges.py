"""The edges of a hub and the invitations to become one, in the state database.

An edge is known by its certificate, its row and the generation of its enrolment (see
``certificates``): the row does not list serial numbers, so a hub that was restored knows who
renewed since. Joining anew begins a new generation, and older certificates are over.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography import x509

from lianji.base.clock import monotonic_s, now_us, to_us
from lianji.base.errors import NotFound, Text
from lianji.base.state import State
from lianji.relay.trust import invites, tables
from lianji.relay.trust.authority import DAYS, Authority
from lianji.relay.trust.certificates import GENERATION_MAX, generation_of, pem_of
from lianji.relay.trust.names import checked_name, checked_sites
from lianji.relay.trust.peer import EdgeRow, Peer, revoked
from lianji.relay.trust.refusals import Untrusted

KNOWN_S_MAX = 10.0
"""An answer of ``known`` is at most so old."""
Audit = Callable[[sa.Connection, str, str, Mapping[str, object]], object]
"""Notes who did what, with which detail, within the transaction that does it."""


@dataclass(frozen=True, slots=True)
class Admission:
    """An edge that was let in: its certificate, and the sites that it may write."""

    edge: str
    sites: tuple[str, ...]
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return pem_of(self.certificate)


class Edges:
    """Thread-safe; all calls block shortly. All raise StorageError if the database fails."""

    def __init__(
        self,
        state: State,
        authority: Authority,
        *,
        days: float = DAYS,
        clock: Callable[[], int] = now_us,
        ticks: Callable[[], float] = monotonic_s,
        audit: Audit | None = None,
    ) -> None:
        """``days`` is how long certificates live, ``ticks`` a clock that is never set back."""
        self._state, self._authority, self._days = state, authority, days
        self._clock, self._ticks = clock, ticks
        self._audit = audit
        self._rows: dict[str, EdgeRow] = {}
        self._read_s = -math.inf
        self._lock = threading.Lock()

    @property
    def authority(self) -> Authority:
        return self._authority

    @property
    def certificate(self) -> x509.Certificate:
        """The root of all edges' certificates."""
        return self._authority.certificate

    def invite(self, name: str, sites: Iterable[str], by: str = "") -> str:
        """A token, good once and for 15 minutes; it ends earlier ones of the edge.

        Only its hash is kept. Raises InputError.
        """
        name, listed = checked_name(name), checked_sites(sites)
        with self._state.writing() as connection:
            token = invites.make(connection, name, listed, self._clock())
            self._note(connection, by, "edge-invited", {"edge": name, "sites": listed})
        return token

    def admit(self, token: str, csr_pem: bytes, name: str, by: str = "") -> Admission:
        """Let in who has the token: once, also if many come with it at the same moment.

        ``name`` is what the edge calls itself, ``by`` where it speaks from. A token that comes with
        a wrong request is still good. Raises Untrusted for the token, InputError for the request.
        """
        now = self._clock()
        with self._state.reading() as connection:  # a guess does not even take the writer's lock
            invites.check(connection, token, name, now)
        with self._state.writing() as connection:
            invite = invites.take(connection, token, name, now)
            before = _row(connection, name, locked=True)
            generation = min((before.generation if before else 0) + 1, GENERATION_MAX)
            certificate = self._authority.sign(csr_pem, name, self._days, generation)
            values = {
                "sites": json.dumps(invite.sites, ensure_ascii=False),
                "joined_us": now,
                "revoked_us": None,
                **_of_certificate(certificate),
            }
            if before is None:
                whole = {"name": name, "created_us": now, **values}
                connection.execute(tables.edges.insert().values(whole))
            else:
                same = tables.edges.c.name == name
                connection.execute(tables.edges.update().where(same).values(values))
            detail = {"edge": name, "sites": invite.sites, "from": by}
            self._note(connection, f"edge {name}", "edge-joined", detail)
        self._forget()
        return Admission(name, invite.sites, certificate)

    def renew(self, peer: Peer, csr_pem: bytes) -> Admission:
        """A new certificate of the same generation for who has shown a good, or expired, one.

        The old one stays good until it is over, since the answer may be lost. Raises Untrusted,
        InputError.
        """
        with self._state.writing() as connection:
            row = _row(connection, peer.edge, locked=True)
            if row is None or row.generation > peer.generation:
                raise _outlived(peer.edge)
            if row.revoked_us is not None:
                raise revoked(peer.edge)
            certificate = self._authority.sign(csr_pem, peer.edge, self._days, peer.generation)
            same = tables.edges.c.name == peer.edge
            values = _of_certificate(certificate)
            connection.execute(tables.edges.update().where(same).values(values))
        self._forget()
        return Admission(peer.edge, row.sites, certificate)

    def revoke(self, name: str, by: str = "") -> None:
        """Shut an edge out, its open invitations too. Raises NotFound."""
        now = self._clock()
        with self._state.writing() as connection:
            ended = invites.end(connection, name, now)
            same = tables.edges.c.name == name
            first = sa.func.coalesce(tables.edges.c.revoked_us, now)
            done = connection.execute(tables.edges.update().where(same).values(revoked_us=first))
            if not done.rowcount and not ended:
                raise no_such_edge(name)
            self._note(connection, by, "edge-revoked", {"edge": name})
        self._forget()

    def take(self, rows: Sequence[EdgeRow]) -> int:
        """Take what another hub of the group knows better of its edges; how many rows were so."""
        taken = []
        with self._state.writing() as connection:
            for row in rows:
                mine = _row(connection, row.name, locked=True)
                if newer(mine, row):
                    _write(connection, row, is_new=mine is None)
                    taken.append(row.name)
            if taken:
                self._note(connection, "", "edges-replicated", {"edges": taken})
        if taken:
            self._forget()
        return len(taken)

    def known(self, name: str, serial: int) -> EdgeRow | None:
        """The row of an edge, revoked or not; None if there is none, or it joined anew since this
        certificate. At most ten seconds old."""
        row = self._remembered(name)
        return None if row is None or generation_of(serial) < row.generation else row

    def all(self) -> Sequence[EdgeRow]:
        """By name."""
        asked = sa.select(tables.edges).order_by(tables.edges.c.name)
        with self._state.reading() as connection:
            return [_edge(row) for row in connection.execute(asked)]

    def invited(self) -> Sequence[invites.Invite]:
        """The open invitations, by name."""
        with self._state.reading() as connection:
            return invites.open_ones(connection, self._clock())

    def _remembered(self, name: str) -> EdgeRow | None:
        """All rows are read at once: of a thousand edges each by itself would be asked for a
        hundred times a second."""
        with self._lock:
            begun = self._ticks()
            if not 0 <= begun - self._read_s < KNOWN_S_MAX:
                self._rows = {row.name: row for row in self.all()}
                self._read_s = begun
            return self._rows.get(name)

    def _forget(self) -> None:
        with self._lock:
            self._read_s = -math.inf

    def _note(
        self, connection: sa.Connection, by: str, what: str, detail: Mapping[str, object]
    ) -> None:
        if self._audit is not None:
            self._audit(connection, by, what, detail)


def locked_edge(connection: sa.Connection, name: str) -> EdgeRow:
    """An edge that may be spoken to; nobody changes it before the transaction ends.

    Raises NotFound, Untrusted if it is shut out.
    """
    row = _row(connection, name, locked=True)
    if row is None:
        raise no_such_edge(name)
    if row.revoked_us is not None:
        raise revoked(name)
    return row


def _row(connection: sa.Connection, name: str, locked: bool = False) -> EdgeRow | None:
    asked = sa.select(tables.edges).where(tables.edges.c.name == name)
    row = connection.execute(asked.with_for_update() if locked else asked).one_or_none()
    return None if row is None else _edge(row)


def newer(mine: EdgeRow | None, other: EdgeRow) -> bool:
    """Whether another hub's row of the same edge is what happened later.

    Joining anew counts more than anything of an older enrolment; within one, being shut out is
    final, and then the later certificate counts.
    """
    return mine is None or _rank(other) > _rank(mine)


def _rank(row: EdgeRow) -> tuple[int, bool, int, int]:
    return row.generation, row.revoked_us is not None, row.not_after_us, row.serial


def _write(connection: sa.Connection, row: EdgeRow, is_new: bool) -> None:
    told = {name: getattr(row, name) for name in EdgeRow.__slots__}
    values = {**told, "sites": json.dumps(row.sites, ensure_ascii=False), "serial": str(row.serial)}
    if is_new:
        connection.execute(tables.edges.insert().values(values))
    else:
        connection.execute(tables.edges.update().where(tables.edges.c.name == row.name), values)


def _edge(row: Any) -> EdgeRow:
    return EdgeRow(
        row.name,
        tuple(json.loads(row.sites)),
        row.generation,
        int(row.serial),
        row.not_after_us,
        row.created_us,
        row.joined_us,
        row.revoked_us,
    )


def _of_certificate(certificate: x509.Certificate) -> dict[str, object]:
    return {
        "generation": generation_of(certificate.serial_number),
        "serial": str(certificate.serial_number),
        "not_after_us": to_us(certificate.not_valid_after_utc),
    }


def _outlived(edge: str) -> Untrusted:
    return Untrusted(
        "edge-unknown",
        Text(f"{edge} has joined anew since.", f"{edge} 此后已重新加入。"),
        Text("Use the newest of its identities.", "请使用其最新的身份文件。"),
    )


def no_such_edge(name: str) -> NotFound:
    return NotFound(
        "edge-missing",
        Text(f"The hub has no edge {name!a}.", f"中心没有边缘 {name!a}。"),
        Text("See `lianji hub sites`.", "请用 `lianji hub sites` 查看。"),
    )
