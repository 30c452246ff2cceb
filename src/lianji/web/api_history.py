"""Questions to the historian over HTTP. Each answers as JSON, CSV or Arrow.

The handlers are plain functions, so FastAPI runs them in worker threads: a long query never holds
up the devices, the pushes or the pages.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, Field

from lianji.base.clock import now_us
from lianji.dictionary.moments import parse_moment, parse_range, parse_span
from lianji.dictionary.tag import Tag
from lianji.web.asked import Plant, Tags, at_most
from lianji.web.faults import errors
from lianji.web.formats import (
    ARROW_TYPE,
    CSV_TYPE,
    Format,
    answer_too_large,
    choose,
    table_response,
)
from lianji.web.plot_wire import MEDIA_TYPE, encode_plot
from lianji.web.ports import PlantView

router = APIRouter(prefix="/api", tags=["history"])

ROWS_MAX = 20_000_000
PIXELS_MAX = 8_000
PLOT_TAGS_MAX = 64
STILL_COMING_US = 5_000_000
"""Samples of so short a while ago may not have arrived: the edge there is not drawn."""

_A_TABLE = {
    200: {
        "description": "The samples, as ?format= or Accept says.",
        "content": {
            "application/json": {"example": {"columns": ["tag", "time", "value"], "rows": []}},
            CSV_TYPE: {},
            ARROW_TYPE: {},
        },
    },
    **errors(400, 404, 413),
}
_TIME = "ISO 8601 with a zone, microseconds since 1970, now, or relative such as -1h."


def _format(
    format: Annotated[Format | None, Query(description="Wins over Accept.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Format:
    return choose(format, accept)


def _range(
    start: Annotated[str, Query(description=_TIME)] = "-1h",
    end: Annotated[str, Query(description=_TIME)] = "now",
) -> tuple[int, int]:
    return parse_range(start, end, now_us())


How = Annotated[Format, Depends(_format)]
Between = Annotated[tuple[int, int], Depends(_range)]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="Most rows; more is an error 413.")]


class FoundTags(BaseModel):
    total: int = Field(description="How many match, of which at most ``limit`` are listed.")
    tags: list[Tag]


@router.get("/tags", operation_id="find_tags", responses=errors(400))
def find_tags(
    plant: Plant,
    search: Annotated[str, Query(description="Words that path, device or description hold.")] = "",
    path: Annotated[list[str], Query(description="Exactly these, instead of a search.")] = [],  # noqa: B006 - FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> FoundTags:
    """Find tags by words or by path."""
    if path:
        wanted = set(path)
        found = [tag for tag in plant.tags() if tag.path in wanted]
    else:
        words = search.casefold().split()
        found = [tag for tag in plant.tags() if not words or _holds(tag, words)]
    return FoundTags(total=len(found), tags=found[:limit])


def _holds(tag: Tag, words: list[str]) -> bool:
    text = f"{tag.path} {tag.device} {tag.description_en} {tag.description_zh}".casefold()
    return all(word in text for word in words)


@router.get("/read", operation_id="read_samples", responses=_A_TABLE, response_class=Response)
def read(
    plant: Plant, tags: Tags, between: Between, how: How, limit: Limit = 1_000_000
) -> Response:
    """Every sample of the tags in a range, in the order of tag and time."""
    return table_response(plant.history.read(tags, *between), how, limit)


@router.get("/last", operation_id="last_samples", responses=_A_TABLE, response_class=Response)
def last(plant: Plant, tags: Tags, how: How) -> Response:
    """The newest sample of each tag."""
    return table_response(plant.history.last(tags), how, ROWS_MAX)


@router.get("/at", operation_id="samples_at", responses=_A_TABLE, response_class=Response)
def at(
    plant: Plant, tags: Tags, how: How, time: Annotated[str, Query(description=_TIME)] = "now"
) -> Response:
    """What held at a moment."""
    return table_response(plant.history.at(tags, parse_moment(time, now_us())), how, ROWS_MAX)


@router.get("/plot", operation_id="plot_samples", responses=_A_TABLE, response_class=Response)
def plot(
    plant: Plant,
    tags: Tags,
    between: Between,
    pixels: Annotated[int, Query(ge=1, le=PIXELS_MAX)] = 1_000,
    format: Annotated[
        Literal["json", "csv", "arrow", "binary"] | None,
        Query(description="binary: blocks of little-endian float64, as the chart page reads them."),
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What a chart of so many pixels needs: first, min, max and last of each pixel."""
    at_most(PLOT_TAGS_MAX, tags)
    if format == "binary":
        return Response(_drawn(plant, tags, between, pixels), media_type=MEDIA_TYPE)
    points = plant.history.plot(tags, *between, pixels)
    return table_response(points, choose(Format(format) if format else None, accept), ROWS_MAX)


def _drawn(plant: PlantView, tags: list[str], between: tuple[int, int], pixels: int) -> bytes:
    """For the chart page, where a tag that has not spoken yet is no error but an empty line."""
    heard = [tag for tag in tags if plant.heard(tag)]
    history, (start_us, end_us) = plant.history, between
    at_end = history.at(heard, end_us) if end_us < now_us() - STILL_COMING_US else None
    points, at_start = history.plot(heard, *between, pixels), history.at(heard, start_us)
    return encode_plot(tags, start_us, end_us, points, at_start, at_end)


@router.get("/aggregate", operation_id="aggregate", responses=_A_TABLE, response_class=Response)
def aggregate(
    plant: Plant,
    tags: Tags,
    between: Between,
    how: How,
    step: Annotated[str, Query(description="Width of a bucket: 10s, 1min, 1h, 1d.")] = "1min",
    functions: Annotated[str, Query(description="Names, joined by commas.")] = "min,max,mean",
    limit: Limit = 1_000_000,
) -> Response:
    """One row a tag and bucket."""
    names = [name.strip() for name in functions.split(",") if name.strip()]
    step_us = parse_span(step)
    buckets = -(-(between[1] - between[0]) // step_us)
    if buckets * len(tags) > ROWS_MAX:
        raise answer_too_large(buckets * len(tags), ROWS_MAX)
    table = plant.history.aggregate(tags, *between, step_us, names)
    return table_response(table, how, limit)


class SqlQuestion(BaseModel):
    query: str = Field(min_length=1, max_length=100_000, examples=["select * from samples limit 9"])
    limit: int = Field(1_000_000, ge=1, le=ROWS_MAX, description="More rows are an error 413.")


@router.post("/sql", operation_id="sql", responses=_A_TABLE, response_class=Response)
def sql(plant: Plant, question: SqlQuestion, how: How) -> Response:
    """A SELECT over the table ``samples``; it reads and never writes."""
    return table_response(plant.history.sql(question.query), how, question.limit)
