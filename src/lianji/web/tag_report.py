"""What a change of tag tables would do, or has done, as the page and programs are told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS, cell_of
from lianji.dictionary.tag_table import Rejected
from lianji.web.status import Fault, Words
from lianji.web.tag_tables import Plan

ROWS_SHOWN = 500
REJECTED_SHOWN = 2_000


class TagChange(BaseModel):
    """One tag that comes, goes or changes."""

    kind: Literal["added", "removed", "changed"]
    path: str = Field(description="As it is; that of a new tag as it will be.")
    was: dict[str, str] = Field(default={}, description="Cells that change, as they are.")
    now: dict[str, str] = Field(default={}, description="The same cells as they will be.")


class RejectedRow(BaseModel):
    """A row that is not taken."""

    line: int = Field(description="In the file, from 1; 0 where there is none.")
    path: str
    reason: Words


class TagTableReport(BaseModel):
    """The difference. ``rows`` lists at most 500 of each kind, ``rejected_rows`` 2,000."""

    format: str = Field("", description="lianji, kepware, neuron or ignition.")
    encoding: str = Field("", description="utf-8, gb18030, utf-16, xlsx or json.")
    target: str = Field("", description="The table that new tags go into.")
    added: int
    removed: int
    changed: int
    unchanged: int
    rejected: int
    rows: list[TagChange]
    rejected_rows: list[RejectedRow]
    problems: list[Fault] = Field(default=[], description="What would be wrong afterwards.")
    base: str = Field("", description="The version that this was worked out from.")
    version: str = Field("", description="The version that was saved; empty: nothing was.")


def report_of(plan: Plan) -> TagTableReport:
    change = plan.difference
    rows = [TagChange(kind="added", path=t.path, now=_cells(t)) for t in change.added[:ROWS_SHOWN]]
    rows += [
        TagChange(
            kind="changed",
            path=entry.before.path,
            was={column: cell_of(entry.before, column) for column in entry.columns},
            now={column: cell_of(entry.after, column) for column in entry.columns},
        )
        for entry in change.changed[:ROWS_SHOWN]
    ]
    rows += [
        TagChange(kind="removed", path=t.path, was=_cells(t)) for t in change.removed[:ROWS_SHOWN]
    ]
    return TagTableReport(
        added=len(change.added),
        removed=len(change.removed),
        changed=len(change.changed),
        unchanged=change.unchanged,
        rejected=len(plan.rejected),
        rows=rows,
        rejected_rows=[_rejected(row) for row in plan.rejected[:REJECTED_SHOWN]],
    )


def _cells(tag: Tag) -> dict[str, str]:
    return {
        column: cell for column in COLUMNS if column != "path" and (cell := cell_of(tag, column))
    }


def _rejected(row: Rejected) -> RejectedRow:
    reason = Words(en=row.reason.en, zh=row.reason.zh)
    return RejectedRow(line=row.line, path=row.path, reason=reason)
