"""The queue in the state database. The runner, the page and the command line share it.

A row says what was wanted and what became of it. That a process runs is never believed of a row:
the runner asks the system, with the handle that the row has kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from lianji.base.clock import now_us
from lianji.learn.jobs import faults
from lianji.learn.jobs.job import OPEN, QUEUED, RUNNING, STOPPED, JobRow, Wanted, new_job_id
from lianji.learn.jobs.tables import jobs, usage

QUEUED_MAX = 10_000
LISTED_MAX = 500


class Database(Protocol):
    """What is needed of ``base.state.State``."""

    def reading(self) -> AbstractContextManager[sa.Connection]: ...

    def writing(self) -> AbstractContextManager[sa.Connection]: ...


@dataclass(frozen=True, slots=True)
class Used:
    """What a tenant has used. ``share_s`` is decayed as of ``updated_us``, the others are not."""

    share_s: float = 0.0
    cpu_s: float = 0.0
    memory_mb_s: float = 0.0
    served_us: int = 0
    updated_us: int = 0

    def at(self, now: int, half_life_s: float) -> float:
        """The decayed share at a later time."""
        return self.share_s * float(0.5 ** (max(0, now - self.updated_us) / 1e6 / half_life_s))


class JobStore:
    """Safe for many threads and processes. Raises StorageError besides what is said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, wanted: Wanted, owner: str) -> JobRow:
        """Put a job into the queue. Raises Busy where too many wait."""
        row = {
            **wanted.model_dump(),
            "arguments": json.dumps(wanted.arguments, ensure_ascii=False),
            "name": wanted.name or wanted.function.rpartition(":")[2],
            "metrics": "{}",
            "id": new_job_id(),
            "owner": owner,
            "state": QUEUED,
            "created_us": (now := now_us()),
            "since_us": now,
        }
        count = sa.select(sa.func.count()).where(jobs.c.state == QUEUED).select_from(jobs)
        taken = sa.select(jobs.c.id).where(jobs.c.id == sa.bindparam("id"))
        with self._database.writing() as connection:
            if connection.execute(count).scalar_one() >= QUEUED_MAX:
                raise faults.too_many(QUEUED_MAX)
            while connection.execute(taken, {"id": row["id"]}).first():
                row["id"] = new_job_id()
            connection.execute(jobs.insert().values(row))
        return self.found(str(row["id"]))

    def found(self, id: str) -> JobRow:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == id)).mappings().first()
        if row is None:
            raise faults.unknown(id)
        return _row(row)

    def open(self, place: str = "") -> list[JobRow]:
        """Those that are queued or run, the oldest first; without those of other places."""
        query = sa.select(jobs).where(jobs.c.state.in_(OPEN)).order_by(jobs.c.created_us)
        if place:
            query = query.where(jobs.c.place.in_(["", place]))
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(query).mappings()]

    def listed(self, limit: int = LISTED_MAX) -> list[JobRow]:
        """Those that run, those that wait, then the others; each the newest first."""
        order = sa.case((jobs.c.state == RUNNING, 0), (jobs.c.state == QUEUED, 1), else_=2)
        query = sa.select(jobs).order_by(order, jobs.c.created_us.desc(), jobs.c.id).limit(limit)
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(query).mappings()]

    def stop(self, id: str, who: str) -> JobRow:
        """End a queued job, or ask the runner to end one that runs. Raises NotFound, and
        InputError if it has ended."""
        now = now_us()
        ended = {"state": STOPPED, "ended_us": now, "since_us": now}
        told = {
            "stop_by": who,
            "reason_en": f"{who} stopped it.",
            "reason_zh": f"由 {who} 停止。",
        }
        with self._database.writing() as connection:
            of_it = jobs.update().where(jobs.c.id == id)
            queued = connection.execute(of_it.where(jobs.c.state == QUEUED).values(**told, **ended))
            runs = connection.execute(of_it.where(jobs.c.state == RUNNING).values(**told))
        if not queued.rowcount and not runs.rowcount:
            self.found(id)
            raise faults.has_ended(id)
        return self.found(id)

    def change(self, id: str, **values: Any) -> None:
        """Only the runner does."""
        self.change_all({id: values}, {})

    def change_all(
        self, rows: Mapping[str, Mapping[str, Any]], tenants: Mapping[str, Used]
    ) -> None:
        """All or nothing."""
        if not rows and not tenants:
            return
        with self._database.writing() as connection:
            for id, values in rows.items():
                connection.execute(jobs.update().where(jobs.c.id == id).values(**values))
            for tenant, used in tenants.items():
                _keep(connection, tenant, used)

    def claim(self, id: str, **values: Any) -> bool:
        """Make a queued job a running one; False where it was stopped meanwhile."""
        claimed = jobs.update().where(jobs.c.id == id, jobs.c.state == QUEUED)
        with self._database.writing() as connection:
            return bool(connection.execute(claimed.values(state=RUNNING, **values)).rowcount)

    def used(self) -> dict[str, Used]:
        """By tenant."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(usage)).mappings().all()
        return {
            row["tenant"]: Used(**{key: value for key, value in row.items() if key != "tenant"})
            for row in rows
        }

    def forget(self, before_us: int) -> list[str]:
        """Take out the jobs that ended before; which."""
        old = (jobs.c.ended_us < before_us) & jobs.c.state.not_in(OPEN)
        with self._database.reading() as connection:
            found: Sequence[str] = (
                connection.execute(sa.select(jobs.c.id).where(old)).scalars().all()
            )
        if found:
            with self._database.writing() as connection:
                connection.execute(jobs.delete().where(old))
        return list(found)


def _keep(connection: sa.Connection, tenant: str, used: Used) -> None:
    values = {name: getattr(used, name) for name in Used.__slots__}
    changed = connection.execute(usage.update().where(usage.c.tenant == tenant).values(**values))
    if not changed.rowcount:
        connection.execute(usage.insert().values(tenant=tenant, **values))


def _row(row: Mapping[Any, Any]) -> JobRow:
    return JobRow.model_validate(
        {
            **row,
            "arguments": json.loads(row["arguments"]),
            "metrics": json.loads(row["metrics"] or "{}"),
        }
    )
