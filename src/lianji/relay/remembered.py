"""What was last heard of each edge, kept so that a hub that started again still knows since when
one is silent, and what was lost there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from lianji.base.state import State
from lianji.relay.receiving import GAPS_KEPT, Received

METADATA = sa.MetaData()
heard = sa.Table(
    "relay_heard",
    METADATA,
    sa.Column("edge", sa.Text, primary_key=True),
    sa.Column("heard_us", sa.BigInteger),
    sa.Column("line", sa.Text),
)


@dataclass(slots=True)
class Line:
    """Of one edge: its last report and when it came, and what its records brought altogether."""

    heard_us: int = 0
    report: dict[str, Any] = field(default_factory=dict)
    newest_us: int = 0
    """The time of its newest sample."""
    parted_us: int = 0
    """When another history last spoke under its name."""
    refused_rows: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    gap_rows: int = 0
    last_gaps: list[dict[str, Any]] = field(default_factory=list)
    """``reason``, ``rows``, ``start_us``, ``end_us``; the newest last."""

    def with_life(self, now: Received) -> Line:
        """This line of earlier lives of the hub, and what came in the present one."""
        return Line(
            self.heard_us,
            self.report,
            max(self.newest_us, now.newest_us),
            max(self.parted_us, now.parted_us),
            self.refused_rows + now.refused_rows,
            {**self.refused, **now.refused},
            self.gaps + now.gaps,
            self.gap_rows + now.gap_rows,
            [*self.last_gaps, *now.last_gaps][-GAPS_KEPT:],
        )


class Remembered:
    """The lines in the state database. All calls block shortly and raise StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def load(self) -> dict[str, Line]:
        """By edge."""
        with self._state.reading() as connection:
            rows = connection.execute(sa.select(heard)).all()
        return {row.edge: _line(row.heard_us, row.line) for row in rows}

    def keep(self, lines: Mapping[str, Line]) -> None:
        """Replace the lines of these edges, all or none."""
        if not lines:
            return
        rows = [
            {"edge": edge, "heard_us": line.heard_us, "line": json.dumps(asdict(line))}
            for edge, line in lines.items()
        ]
        names = list(lines)
        with self._state.writing() as connection:
            for first in range(0, len(names), 500):
                some = names[first : first + 500]
                connection.execute(heard.delete().where(heard.c.edge.in_(some)))
            connection.execute(heard.insert(), rows)


def _line(heard_us: int, text: str) -> Line:
    """What a later Lianji wrote beside these is passed over."""
    told = json.loads(text)
    known = {name: told[name] for name in Line.__dataclass_fields__ if name in told}
    return Line(**known | {"heard_us": heard_us})
