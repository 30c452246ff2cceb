"""Which process of a hub looks after which edge: leases in the state database.

Leases keep the peace, so that an edge talks with one process and not with all in turn. That nothing
is lost or doubled does not hang on them: the table's commits see to it. So an owner goes on while
the database is away, when nobody else can take over either.
"""

from __future__ import annotations

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.base.state import State
from lianji.relay.ownership import Elsewhere

METADATA = sa.MetaData()
owners = sa.Table(
    "relay_owners",
    METADATA,
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("process", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("fence", sa.BigInteger),
    sa.Column("until_us", sa.BigInteger),
)


class Owners:
    """The leases of one process. All calls block shortly and raise StorageError."""

    def __init__(self, state: State, process: str, address: str, lease_s: float) -> None:
        """``process`` stays the same over restarts; ``address`` is told to edges, or empty."""
        self._state = state
        self._process = process
        self._address = address
        self._lease_us = round(lease_s * 1e6)
        self._before: dict[str, tuple[str, str, int]] = {}
        """Whose each edge was when it was last taken: process, address, how often it had changed
        hands. Empty names for nobody."""

    def take(self, edge: str) -> int:
        """Look after this edge from now on; how often it has changed hands. Raises Elsewhere."""
        with self._state.writing() as connection:
            now = _now_us(connection)
            row = connection.execute(sa.select(owners).where(owners.c.edge == edge)).first()
            if row is not None and row.process != self._process and row.until_us > now:
                raise Elsewhere(edge, row.address)
            mine = ("", "", 0) if row is None else (row.process, row.address, int(row.fence))
            self._before[edge] = mine
            fence = 1 if row is None else row.fence + (row.process != self._process)
            lease = {
                "process": self._process,
                "address": self._address,
                "fence": fence,
                "until_us": now + self._lease_us,
            }
            if row is None:
                connection.execute(owners.insert(), {"edge": edge, **lease})
            else:
                connection.execute(owners.update().where(owners.c.edge == edge).values(**lease))
        return int(fence)

    def was_mine(self, edge: str) -> bool:
        """Whether nobody else looked after it before it was taken last."""
        return self._before.get(edge, ("", "", 0))[0] == self._process

    def give_back(self, edge: str) -> None:
        """As if it had not been taken: whoever had it last is again the last."""
        process, address, fence = self._before[edge]
        last = {"process": process, "address": address, "fence": fence, "until_us": 0}
        mine = (owners.c.edge == edge) & (owners.c.process == self._process)
        with self._state.writing() as connection:
            connection.execute(owners.update().where(mine).values(**last))

    def renew(self) -> dict[str, int]:
        """Go on with what is still this process's; by edge, how often it has changed hands."""
        mine = owners.c.process == self._process
        with self._state.writing() as connection:
            until_us = _now_us(connection) + self._lease_us
            held = mine & (owners.c.until_us > 0)
            connection.execute(owners.update().where(held).values(until_us=until_us))
            rows = connection.execute(sa.select(owners).where(held)).all()
        return {row.edge: int(row.fence) for row in rows}

    def release(self, edge: str | None = None) -> None:
        """Let others take this edge at once, or all."""
        which = owners.c.process == self._process
        if edge is not None:
            which &= owners.c.edge == edge
        with self._state.writing() as connection:
            connection.execute(owners.update().where(which).values(until_us=0))


def _now_us(connection: sa.Connection) -> int:
    """By the database's clock, which all processes share."""
    if connection.dialect.name != "postgresql":
        return now_us()
    told = connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp()) * 1000000"))
    return int(told.scalar_one())
