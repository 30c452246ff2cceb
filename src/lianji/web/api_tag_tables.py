"""Tag tables over HTTP: handed in and out, and changed in bulk, each with a preview first.

A preview (``dry_run``) and the saving are the same request: what is saved is worked out anew from
the same table, against the ``base`` that the preview named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import InputError, Text
from lianji.connect.foreign.incoming import Incoming, Into, incoming, order_of
from lianji.dictionary.path_pattern import compiled
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_edit import Edit
from lianji.dictionary.tag_table import table_bytes
from lianji.dictionary.tag_workbook import EXAMPLE, XLSX_TYPE, workbook_bytes
from lianji.web.access.access import Access
from lianji.web.access.guard import CONFIGURE, READ, Kept, Who
from lianji.web.asked import Lang, Plant
from lianji.web.body import read_body
from lianji.web.faults import errors
from lianji.web.ports import PlantView
from lianji.web.status import Fault
from lianji.web.tag_report import TagTableReport, report_of
from lianji.web.tag_tables import Plan, edited_plan, imported_plan
from lianji.web.tag_work import TagWork, Work
from lianji.web.words.tags import COLUMN_NOTES

router = APIRouter(prefix="/api/tag-tables", tags=["configuration"], dependencies=[READ])

CSV_TYPE = "text/csv; charset=utf-8"
_NAME = re.compile(r"[\w\-]+(?:[.\w\- ]*[\w\-])?")
_TABLE = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"example": "path,device,address,type,unit\na/b,press1,40001,int16,kW"}
        },
    }
}
_A_FILE = {
    200: {"description": "The table.", "content": {CSV_TYPE: {}, XLSX_TYPE: {}}},
    **errors(400),
}
DryRun = Annotated[bool, Query(description="Only tell what it would do.")]
FileFormat = Literal["csv", "csv-gbk", "xlsx"]


@router.post(
    "/import",
    operation_id="import_tag_table",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 409, 413, 503, 507),
    openapi_extra=_TABLE,
)
async def import_table(
    request: Request,
    plant: Plant,
    work: Work,
    who: Who,
    access: Kept,
    name: Annotated[str, Query(max_length=200, description="The file's name.")] = "tags.csv",
    dry_run: DryRun = False,
    replace: Annotated[
        bool, Query(description="The table of this name holds then just what the file holds.")
    ] = False,
    below: Annotated[
        str, Query(max_length=200, description="The path that tags of other programs go below.")
    ] = "",
    device: Annotated[
        str, Query(max_length=100, description="Their device, where the file names none.")
    ] = "",
    order: Annotated[
        Literal["", "ABCD", "CDAB", "BADC", "DCBA"],
        Query(description="Their byte order; nothing: as that program has it by default."),
    ] = "",
    base: Annotated[str, Query(max_length=100, description="What the preview named.")] = "",
) -> TagTableReport:
    """Take a tag table: ours, or that of Kepware, Neuron or Ignition, as CSV, .xlsx or JSON.

    Good rows are taken; each bad one comes back with its line and the reason.
    """
    into = Into(below=below.strip("/"), device=device, order=order_of(order), file=name)
    with work.in_flight.one() as share:
        content = await read_body(request, share)
        return await run_in_threadpool(
            _imported,
            plant,
            work,
            content,
            into,
            replace,
            Saving(access, who.name, None if dry_run else base),
        )


@dataclass(frozen=True, slots=True)
class Saving:
    """By whom a plan is kept, if ``base`` is not None: the version that a preview named, or
    nothing."""

    access: Access
    who: str
    base: str | None


def _imported(
    plant: PlantView, work: TagWork, content: bytes, into: Into, replace: bool, saving: Saving
) -> TagTableReport:
    target = table_name(into.file)
    with work.turn():
        found: Incoming = incoming(content, into)
        head = plant.configuring.current().id
        tables = work.reader.read(plant.configuring.files(), plant.tags())
        plan = imported_plan(tables, found.imported, target, replace, plant.unread)
        report = _settled(plant, plan, head, saving, f"{target}: {found.format}")
    report.format, report.encoding, report.target = found.format, found.encoding, target
    return report


class Selection(BaseModel):
    """Which tags: these paths, all whose path is like ``pattern`` (``shop/{area}/{rest*}``), or
    with ``search`` (which may be empty) all that hold its words below a path."""

    model_config = ConfigDict(extra="forbid")

    paths: list[str] = Field(default=[], max_length=200_000)
    pattern: str = Field(default="", max_length=400)
    search: str | None = Field(default=None, max_length=400)
    under: str = Field(default="", max_length=256)

    def of(self, plant: PlantView, work: TagWork) -> list[str]:
        return [tag.path for tag in self.tags(plant, work)]

    def tags(self, plant: PlantView, work: TagWork) -> list[Tag]:
        index = work.index(plant)
        if self.pattern:
            like = compiled(self.pattern)
            return [tag for tag in index.tags if like.fullmatch(tag.path)]
        if self.search is None:
            return [tag for path in self.paths if (tag := index.find(path)) is not None]
        return [index.tags[place] for place in index.search(self.search, self.under)]


class BulkEdit(BaseModel):
    """Which tags, and what to do with them."""

    model_config = ConfigDict(extra="forbid")

    selection: Selection
    edit: Edit
    base: str = Field(default="", max_length=100, description="What the preview named.")


@router.post(
    "/edit",
    operation_id="edit_tags",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 409, 413, 503, 507),
)
def edit(
    plant: Plant, work: Work, who: Who, access: Kept, asked: BulkEdit, dry_run: DryRun = False
) -> TagTableReport:
    """Change many tags at once, in the tables that hold them."""
    with work.turn():
        head = plant.configuring.current().id
        tables = work.reader.read(plant.configuring.files(), plant.tags())
        chosen = asked.selection.of(plant, work)
        plan = edited_plan(tables, chosen, asked.edit, plant.unread)
        saving = Saving(access, who.name, None if dry_run else asked.base)
        return _settled(plant, plan, head, saving, "bulk edit")


def _settled(plant: PlantView, plan: Plan, head: str, saving: Saving, note: str) -> TagTableReport:
    """The report of a plan that was made from the version ``head``.

    Raises Conflict where the plant has another by now, InputError for what would be wrong
    afterwards.
    """
    report = report_of(plan)
    report.base = head
    if not plan.change:
        return report
    if saving.base is None:
        report.problems = [Fault.of(one) for one in plant.configuring.check(plan.change)]
    else:
        base = saving.base or head
        report.version = plant.configuring.apply(plan.change, saving.who, note, base).id
        detail = {"version": report.version, "note": note, "files": sorted(plan.change)}
        saving.access.record(saving.who, "configuration-changed", detail)
    return report


def table_name(file: str) -> str:
    """The table that a file becomes. Raises InputError for a name that no file should have."""
    stem = PurePath(file.replace("\\", "/")).name
    stem = re.sub(r"\.(csv|xlsx|json|txt)$", "", stem, flags=re.IGNORECASE)
    stem = re.sub(r"[^\w\-. ]+", "-", stem).strip("-. ")
    if not _NAME.fullmatch(stem):
        raise InputError(
            "tag-table-name",
            Text(f"'{file}' cannot be the name of a tag table.", f"“{file}”不能用作标签表名称。"),
            Text("Use letters, digits, '-', '_' and '.'.", "请使用文字、数字、“-”、“_”和“.”。"),
        )
    return f"{stem}.csv"


@router.post("/export", operation_id="export_tags", responses=_A_FILE, response_class=Response)
def export(
    plant: Plant, work: Work, language: Lang, selection: Selection, format: FileFormat = "csv"
) -> Response:
    """Tags as one table, to look at and to hand on."""
    return _file(selection.tags(plant, work), format, "tags", language)


@router.get("/template", operation_id="tag_template", responses=_A_FILE, response_class=Response)
def template(language: Lang, format: FileFormat = "xlsx") -> Response:
    """An empty table; the workbook has a note on each column."""
    return _file([EXAMPLE], format, "template", language)


def _file(tags: list[Tag], how: FileFormat, name: str, language: Lang) -> Response:
    if how == "xlsx":
        content, kind = workbook_bytes(tags, COLUMN_NOTES, language), XLSX_TYPE
    elif how == "csv":
        content, kind = table_bytes(tags), CSV_TYPE
    else:
        content = table_bytes(tags).decode("utf-8-sig").encode("gb18030")
        kind = "text/csv; charset=gb18030"
    named = {"Content-Disposition": f'attachment; filename="{name}.{how.partition("-")[0]}"'}
    return Response(content, media_type=kind, headers=named)
