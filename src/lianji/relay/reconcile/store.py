"""What was compared, and what came of it, in the hub's state database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from lianji.base.errors import NotFound, Text
from lianji.relay.reconcile import tables
from lianji.relay.reconcile.comparing import Difference, Kind, Outcome, continues, joined
from lianji.relay.reconcile.run import Run, RunState

if TYPE_CHECKING:
    from lianji.base.state import State

RUNS_KEPT = 200
"""Of each edge; older ones go, with what they found."""
DIFFERENCES_MAX = 100_000
"""More are counted, not listed: a run that lacks everything still ends."""


@dataclass(slots=True)
class _Listed:
    """What a run has listed so far: how many, and of each tag the last with its row."""

    count: int = 0
    last_of: dict[str, tuple[int, Difference]] = field(default_factory=dict)


class Runs:
    """Safe for many threads. All raise StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._listed: dict[int, _Listed] = {}

    def begin(self, run: Run) -> Run:
        with self._state.writing() as connection:
            self._drop_old(connection, run.edge)
            done = connection.execute(tables.runs.insert().values(_row(run)))
            assert done.inserted_primary_key is not None
            run.id = int(done.inserted_primary_key[0])
        return run

    def save(self, run: Run, found: Iterable[Difference] = ()) -> None:
        """Keep how far a run is, and what it found since; a difference that goes on where one of
        the same tag ended becomes a part of that."""
        listed = self._listed.setdefault(run.id, _Listed())
        with self._state.writing() as connection:
            for one in joined(found):
                self._keep(connection, run, listed, one)
            same = tables.runs.c.id == run.id
            connection.execute(tables.runs.update().where(same).values(_row(run)))
        if run.is_over:
            del self._listed[run.id]

    @staticmethod
    def _keep(connection: sa.Connection, run: Run, listed: _Listed, one: Difference) -> None:
        before = listed.last_of.get(one.tag)
        if before is not None and continues(before[1], one):
            row, last = before
            more = replace(
                last, end_us=one.end_us, here=last.here + one.here, there=last.there + one.there
            )
            values = {"end_us": more.end_us, "here": more.here, "there": more.there}
            same = tables.differences.c.id == row
            connection.execute(tables.differences.update().where(same).values(values))
            listed.last_of[one.tag] = row, more
        elif listed.count >= DIFFERENCES_MAX:
            run.untold += 1
        else:
            told = asdict(one) | {"kind": one.kind.value, "outcome": one.outcome.value}
            values = told | {"run": run.id}
            done = connection.execute(tables.differences.insert().values(values))
            assert done.inserted_primary_key is not None
            listed.last_of[one.tag] = int(done.inserted_primary_key[0]), one
            listed.count += 1

    def end_those_that_stopped(self, error: dict[str, Any], now_us: int) -> None:
        """Runs that a process left when it ended."""
        going = tables.runs.c.state == RunState.RUNNING.value
        values = {"state": RunState.FAILED.value, "ended_us": now_us, "error": json.dumps(error)}
        with self._state.writing() as connection:
            connection.execute(tables.runs.update().where(going).values(values))

    def get(self, number: int) -> Run:
        """Raises NotFound."""
        with self._state.reading() as connection:
            asked = sa.select(tables.runs).where(tables.runs.c.id == number)
            row = connection.execute(asked).mappings().one_or_none()
        if row is None:
            raise NotFound(
                "reconcile-run-missing",
                Text(f"There is no comparison {number}.", f"没有编号为 {number} 的核对。"),
                Text("See the page /hub/reconcile.", "请查看页面 /hub/reconcile。"),
            )
        return _run(row)

    def newest(self, edge: str, by: str | None = None) -> Run | None:
        asked = sa.select(tables.runs).where(tables.runs.c.edge == edge)
        if by is not None:
            asked = asked.where(tables.runs.c.by == by)
        with self._state.reading() as connection:
            row = (
                connection.execute(asked.order_by(tables.runs.c.id.desc()).limit(1))
                .mappings()
                .one_or_none()
            )
        return None if row is None else _run(row)

    def newest_of_all(self) -> list[Run]:
        """The last run of each edge, by name."""
        last = sa.select(sa.func.max(tables.runs.c.id)).group_by(tables.runs.c.edge)
        asked = sa.select(tables.runs).where(tables.runs.c.id.in_(last))
        with self._state.reading() as connection:
            rows = connection.execute(asked.order_by(tables.runs.c.edge)).mappings().all()
        return [_run(row) for row in rows]

    def differences(self, run: int, limit: int = DIFFERENCES_MAX) -> Sequence[Difference]:
        """What a run found, by tag and time within each part of its time."""
        asked = (
            sa.select(tables.differences)
            .where(tables.differences.c.run == run)
            .order_by(tables.differences.c.id)
            .limit(limit)
        )
        with self._state.reading() as connection:
            return [_difference(row) for row in connection.execute(asked).mappings()]

    @staticmethod
    def _drop_old(connection: sa.Connection, edge: str) -> None:
        of_edge = tables.runs.c.edge == edge
        asked = sa.select(tables.runs.c.id).where(of_edge).order_by(tables.runs.c.id.desc())
        old = [row.id for row in connection.execute(asked.offset(RUNS_KEPT - 1))]
        for table, column in (
            (tables.differences, tables.differences.c.run),
            (tables.runs, tables.runs.c.id),
        ):
            if old:
                connection.execute(table.delete().where(column.in_(old)))


def _row(run: Run) -> dict[str, Any]:
    row = asdict(run)
    del row["id"]
    row["unreadable"] = json.dumps(run.unreadable, ensure_ascii=False)
    row["error"] = None if run.error is None else json.dumps(run.error, ensure_ascii=False)
    return row | {"state": run.state.value}


def _run(row: Any) -> Run:
    values = {one.name: row[one.name] for one in fields(Run)}
    values["state"] = RunState(row["state"])
    values["repair"] = bool(row["repair"])
    values["unreadable"] = json.loads(row["unreadable"])
    values["error"] = None if row["error"] is None else json.loads(row["error"])
    return Run(**values)


def _difference(row: Any) -> Difference:
    values = {one.name: row[one.name] for one in fields(Difference)}
    return Difference(**values | {"kind": Kind(row["kind"]), "outcome": Outcome(row["outcome"])})
