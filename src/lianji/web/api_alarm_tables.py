"""Alarm tables over HTTP: read, and changed a row at a time, each with a look at it first.

A look (``dry_run``) and the saving are the same request, against the version that ``base`` names.
The files, the form and the check are those of the tables themselves: see ``act.alarms``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lianji.act.alarms.form import form_fields
from lianji.act.alarms.table_edit import definition_of, edited_table
from lianji.act.alarms.tables import AlarmTables, tables_in
from lianji.base.errors import InputError, LianjiError, Text
from lianji.connect.forms import Field as FormField
from lianji.web.access.guard import CONFIGURE, Kept, Who
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.ports import PlantView
from lianji.web.status import Fault

router = APIRouter(prefix="/api/alarm-tables", tags=["alarms"], dependencies=[CONFIGURE])

FOLDER = "alarms/"
_NAME = re.compile(r"[\w\-]+(?:[.\w\- ]*[\w\-])?\.csv")


class AlarmRow(BaseModel):
    """A row, and where it stands. ``definition`` holds what is not as usual."""

    file: str
    line: int
    definition: dict[str, Any]


class AlarmTablesShown(BaseModel):
    version: str = Field(description="The version that this is; give it back as ``base``.")
    fields: list[FormField]
    files: list[str]
    rows: list[AlarmRow]
    problems: list[Fault]


class RowChange(BaseModel):
    """One row: added (no line), changed, or taken out (no definition)."""

    model_config = ConfigDict(extra="forbid")

    file: str = Field(max_length=120, description="Such as plant.csv; a new one is made.")
    line: int | None = Field(None, ge=1)
    definition: dict[str, Any] | None = None
    base: str | None = Field(None, max_length=20)


class RowChanged(BaseModel):
    difference: str
    problems: list[Fault]
    version: str = Field(description="The version that was made; empty for a look.")


@router.get("", operation_id="alarm_tables", responses=errors(400, 403))
def shown(plant: Plant) -> AlarmTablesShown:
    """Every row of every table, the form of a row, and what is wrong with the tables."""
    version, files = plant.configuring.current().id, _files(plant)
    tables = tables_in(files.items())
    rows = [
        AlarmRow(
            file=row.file,
            line=row.line,
            definition=row.definition.model_dump(mode="json", exclude_defaults=True),
        )
        for row in tables.rows
    ]
    problems = [Fault.of(one) for one in tables.problems]
    return AlarmTablesShown(
        version=version, fields=form_fields(), files=[*files], rows=rows, problems=problems
    )


@router.post("/rows", operation_id="change_alarm_row", responses=errors(400, 403, 409, 507))
def change(
    plant: Plant,
    who: Who,
    access: Kept,
    asked: RowChange,
    dry_run: Annotated[bool, Query(description="Only tell what it would do.")] = False,
) -> RowChanged:
    """Add, change or take out one alarm. Other rows and columns stay as they are."""
    place = FOLDER + _checked(asked.file)
    files = _files(plant)
    given = None if asked.definition is None else definition_of(asked.definition)
    if given is None and asked.line is None:
        raise _nothing()
    made = edited_table(files.get(asked.file), asked.line, given)
    problems = _brought(files, asked.file, made)
    difference = plant.configuring.difference_of({place: made})
    if dry_run:
        told = [Fault.of(one) for one in problems]
        return RowChanged(difference=difference, problems=told, version="")
    if problems:
        raise problems[0]
    note = f"{place}: {given.known_as if given else '-'}"
    version = plant.configuring.apply({place: made}, who.name, note, asked.base).id
    detail = {"version": version, "note": note, "files": [place]}
    access.record(who.name, "configuration-changed", detail)
    return RowChanged(difference=difference, problems=[], version=version)


def _files(plant: PlantView) -> dict[str, bytes]:
    """The tables by their names."""
    return {
        path.removeprefix(FOLDER): content
        for path, content in sorted(plant.configuring.files().items())
        if path.startswith(FOLDER)
    }


def _brought(files: dict[str, bytes], name: str, made: bytes | None) -> list[LianjiError]:
    """The problems that a change would bring, in the words of the files."""
    before = _keys(tables_in(files.items()))
    after = {**files, name: made}
    tables = tables_in((n, c) for n, c in sorted(after.items()) if c is not None)
    return [one for one in tables.problems if (one.code, one.cause.en) not in before]


def _keys(tables: AlarmTables) -> set[tuple[str, str]]:
    return {(one.code, one.cause.en) for one in tables.problems}


def _checked(file: str) -> str:
    """Raises InputError."""
    if not _NAME.fullmatch(file):
        raise InputError(
            "alarm-table-name",
            Text(f"'{file}' cannot name an alarm table.", f"“{file}”不能用作报警表名称。"),
            Text(
                "Use letters, digits, '-', '_' and '.', and .csv at its end.",
                "请使用文字、数字、“-”、“_”和“.”，并以 .csv 结尾。",
            ),
        )
    return file


def _nothing() -> InputError:
    return InputError(
        "alarm-change-empty",
        Text("Neither a line nor a definition is given.", "既未给出行号，也未给出定义。"),
        Text("Give what to add, or the line to take out.", "请给出要添加的定义或要删除的行。"),
    )
