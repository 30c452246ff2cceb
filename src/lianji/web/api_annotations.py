"""Annotations over HTTP: what people note about a stretch of a tag's time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from lianji.base.clock import now_us
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.moments import parse_moment
from lianji.web.access.guard import OPERATE, READ, Who
from lianji.web.answers import A_TABLE, ROWS_MAX, answered
from lianji.web.asked import TIME, How, Plant, split_tags
from lianji.web.faults import errors

router = APIRouter(prefix="/api/annotations", tags=["history"], dependencies=[READ])


class Note(BaseModel):
    """What to note."""

    tag: str = Field(min_length=1, max_length=1000, description="A path, or a pattern of paths.")
    start: str = Field("now", description=TIME)
    end: str = Field("", description="The same; nothing: just at the start.")
    text: str = Field(min_length=1, max_length=10_000)
    author: str = Field("", max_length=200)
    id: str = Field("", max_length=64, description="Of the note to change; nothing: a new one.")


class Noted(BaseModel):
    id: str


@router.get("", operation_id="annotations", responses=A_TABLE, response_class=Response)
def find(
    plant: Plant,
    how: How,
    tags: Annotated[list[str], Query(description="Paths or patterns, by commas; else all.")] = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[str, Query(description=TIME)] = "",
    end: Annotated[str, Query(description=TIME)] = "",
) -> Response:
    """Notes on any of the tags that touch the range; all, if none is named."""
    now = now_us()
    table = plant.history.annotations(
        split_tags(tags) if tags else None,
        parse_moment(start, now) if start else TIME_US_MIN,
        parse_moment(end, now) if end else TIME_US_MAX,
    )
    return answered(plant.history, table, how, ROWS_MAX)


@router.post(
    "", operation_id="annotate", dependencies=[OPERATE], responses=errors(400, 403, 404, 507)
)
def annotate(plant: Plant, who: Who, note: Note) -> Noted:
    """Note something about a tag, or change a note. It is on disk when this answers. The author
    is whoever is logged in; a program may name another than itself."""
    now = now_us()
    start_us = parse_moment(note.start, now)
    end_us = parse_moment(note.end, now) if note.end else start_us
    author = who.name if who.kind == "session" else note.author or who.name
    made = plant.history.annotate(note.tag, start_us, end_us, note.text, author, note.id)
    return Noted(id=made)


@router.delete(
    "",
    operation_id="delete_annotation",
    dependencies=[OPERATE],
    responses=errors(400, 403, 404, 507),
)
def delete(plant: Plant, id: Annotated[str, Query(min_length=1)]) -> Noted:
    """Take a note away. What it said stays in the table."""
    plant.history.delete_annotation(id)
    return Noted(id=id)
