"""Limits of single edges, in the state database: how fast each may send, and how much a day.

Where an edge has none of its own, ``[hub]`` says for all. A day is one of UTC; what counts is the
bytes of bodies as they came over the line. What came today is kept too, so that a restart, or
another process of the hub, does not begin the day anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.base.state import State
from lianji.relay.trust.edges import Audit, no_such_edge
from lianji.relay.trust.invites import open_ones
from lianji.relay.trust.tables import edges

DAY_US = 86_400_000_000
METADATA = sa.MetaData()
limits = sa.Table(
    "relay_limits",
    METADATA,
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("samples_per_s", sa.Float),
    sa.Column("bytes_a_day", sa.BigInteger),
    sa.Column("changed_us", sa.BigInteger),
    sa.Column("used_day", sa.Integer),
    sa.Column("used_bytes", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class Quota:
    """Of one edge. None: as ``[hub]`` says; 0: no limit."""

    samples_per_s: float | None = None
    bytes_a_day: int | None = None
    used_day: int = 0
    """Days since 1970-01-01, UTC."""
    used_bytes: int = 0


class Quotas:
    """All calls block shortly and raise StorageError."""

    def __init__(
        self, state: State, audit: Audit | None = None, clock: Callable[[], int] = now_us
    ) -> None:
        self._state, self._audit, self._clock = state, audit, clock

    def all(self) -> dict[str, Quota]:
        with self._state.reading() as connection:
            rows = connection.execute(sa.select(limits)).all()
        return {
            row.edge: Quota(row.samples_per_s, row.bytes_a_day, row.used_day, row.used_bytes)
            for row in rows
        }

    def set(
        self, edge: str, samples_per_s: float | None, bytes_a_day: int | None, by: str = ""
    ) -> None:
        """None leaves what was; 0 is no limit. Raises NotFound for who has not been invited."""
        told = {"samples_per_s": samples_per_s, "bytes_a_day": bytes_a_day}
        values = {name: value for name, value in told.items() if value is not None}
        with self._state.writing() as connection:
            self._check(connection, edge)
            same = limits.c.edge == edge
            changed = {**values, "changed_us": self._clock()}
            done = connection.execute(limits.update().where(same).values(**changed))
            if not done.rowcount:
                new = {"edge": edge, "used_day": 0, "used_bytes": 0, **changed}
                connection.execute(limits.insert().values(**new))
            self._note(connection, by, {"edge": edge, **values})

    def clear(self, edge: str, by: str = "") -> None:
        """What ``[hub]`` says counts again. Raises NotFound for who has not been invited."""
        with self._state.writing() as connection:
            self._check(connection, edge)
            connection.execute(limits.delete().where(limits.c.edge == edge))
            self._note(connection, by, {"edge": edge})

    def note_used(self, day: int, used: Mapping[str, int]) -> None:
        """What came of some edges on a day; never less than was noted for it."""
        with self._state.writing() as connection:
            for edge, count in used.items():
                more = (limits.c.used_day != day) | (limits.c.used_bytes < count)
                which = (limits.c.edge == edge) & more
                values = {"used_day": day, "used_bytes": count}
                connection.execute(limits.update().where(which).values(**values))

    def _check(self, connection: sa.Connection, edge: str) -> None:
        known = connection.execute(sa.select(edges.c.name).where(edges.c.name == edge)).first()
        invited = (one.edge for one in open_ones(connection, self._clock()))
        if known is None and edge not in invited:
            raise no_such_edge(edge)

    def _note(self, connection: sa.Connection, by: str, detail: Mapping[str, object]) -> None:
        if self._audit is not None:
            self._audit(connection, by, "edge-limited", detail)
