"""Questions to the historian over HTTP. Each answers as JSON, CSV or Arrow.

The handlers are plain functions, so FastAPI runs them in worker threads: a long query never holds
up the devices, the pushes or the pages.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from lianji.base.clock import now_us
from lianji.dictionary.moments import parse_moment, parse_span
from lianji.web.access.guard import READ
from lianji.web.answers import A_TABLE, ROWS_DEFAULT, ROWS_MAX, answered, gathered, streamed
from lianji.web.asked import TIME, Between, How, Plant, Tags
from lianji.web.formats import Format, answer_too_large
from lianji.web.ports import HistoryView

router = APIRouter(prefix="/api", tags=["history"], dependencies=[READ])

Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="Most rows; more is an error 413.")]
Step = Annotated[str, Query(description="From one instant to the next: 10s, 1min, 1h, 1d.")]


@router.get("/read", operation_id="read_samples", responses=A_TABLE, response_class=Response)
def read(
    plant: Plant,
    tags: Tags,
    between: Between,
    how: How,
    bounds: Annotated[bool, Query(description="Also the samples just outside the range.")] = False,
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=ROWS_MAX,
            description="Most rows; more is an error 413. CSV, Arrow and Parquet have none unless"
            " it is given, and JSON has 1000000.",
        ),
    ] = None,
) -> Response:
    """Every sample of the tags in a range, in the order of tag and time."""
    parts = plant.history.read_in_parts(tags, *between, bounds)
    if limit is None and how is not Format.JSON:
        return streamed(plant.history, parts, how)
    expected = plant.history.rows_expected(tags, *between)
    return gathered(plant.history, parts, expected, how, limit or ROWS_DEFAULT)


@router.get("/last", operation_id="last_samples", responses=A_TABLE, response_class=Response)
def last(plant: Plant, tags: Tags, how: How) -> Response:
    """The newest sample of each tag."""
    return answered(plant.history, plant.history.last(tags), how, ROWS_MAX)


@router.get("/at", operation_id="samples_at", responses=A_TABLE, response_class=Response)
def at(
    plant: Plant,
    tags: Tags,
    how: How,
    time: Annotated[str, Query(description=TIME + " Several by commas.")] = "now",
) -> Response:
    """What held at a moment, or at several."""
    now = now_us()
    instants = [parse_moment(one, now) for one in time.split(",")]
    _check_rows(plant.history, tags, len(instants))
    return answered(plant.history, plant.history.at(tags, instants), how, ROWS_MAX)


@router.get("/interpolate", operation_id="interpolate", responses=A_TABLE, response_class=Response)
def interpolate(
    plant: Plant,
    tags: Tags,
    between: Between,
    how: How,
    step: Step = "1min",
    limit: Limit = ROWS_DEFAULT,
) -> Response:
    """The value at regular instants from the start on, drawn between the usable samples around."""
    step_us = parse_span(step)
    _check_grid(plant.history, tags, between, step_us)
    table = plant.history.interpolated(tags, *between, step_us)
    return answered(plant.history, table, how, limit)


@router.get("/aggregate", operation_id="aggregate", responses=A_TABLE, response_class=Response)
def aggregate(
    plant: Plant,
    tags: Tags,
    between: Between,
    how: How,
    step: Annotated[str, Query(description="Width of an interval: 10s, 1min, 1h, 1d.")] = "1min",
    functions: Annotated[
        str, Query(description="Names of OPC UA Part 13 such as time_average2, by commas.")
    ] = "min,max,mean",
    status: Annotated[
        bool, Query(description="Add a status code a function: <function>_status.")
    ] = False,
    limit: Limit = ROWS_DEFAULT,
) -> Response:
    """One row a tag and interval; null where a function has no value."""
    names = [name.strip() for name in functions.split(",") if name.strip()]
    step_us = parse_span(step)
    _check_grid(plant.history, tags, between, step_us)
    table = plant.history.aggregate(tags, *between, step_us, names, with_status=status)
    return answered(plant.history, table, how, limit)


@router.get("/gaps", operation_id="gaps", responses=A_TABLE, response_class=Response)
def gaps(
    plant: Plant,
    tags: Tags,
    between: Between,
    how: How,
    longer: Annotated[str, Query(description="Longer than this: 10s, 1min, 1h.")] = "1min",
) -> Response:
    """Stretches without a good sample, and why: no samples, or bad quality."""
    table = plant.history.gaps(tags, *between, parse_span(longer))
    return answered(plant.history, table, how, ROWS_MAX)


@router.get(
    "/modified", operation_id="modified_samples", responses=A_TABLE, response_class=Response
)
def modified(plant: Plant, tags: Tags, between: Between, how: How) -> Response:
    """What corrections replaced: the samples as they were, until when, and by whom."""
    return answered(plant.history, plant.history.modified(tags, *between), how, ROWS_MAX)


class SqlQuestion(BaseModel):
    query: str = Field(min_length=1, max_length=100_000, examples=["select * from samples limit 9"])
    limit: int = Field(ROWS_DEFAULT, ge=1, le=ROWS_MAX, description="More rows are an error 413.")


@router.post("/sql", operation_id="sql", responses=A_TABLE, response_class=Response)
def sql(plant: Plant, question: SqlQuestion, how: How) -> Response:
    """A SELECT over the table ``samples``; it reads and never writes."""
    table = plant.history.sql(question.query, question.limit + 1)
    return answered(plant.history, table, how, question.limit)


def _check_grid(
    history: HistoryView, tags: list[str], between: tuple[int, int], step_us: int
) -> None:
    _check_rows(history, tags, -(-(between[1] - between[0]) // step_us))


def _check_rows(history: HistoryView, tags: list[str], rows_a_tag: int) -> None:
    """Raises TooLarge before anything is read."""
    rows = rows_a_tag * len(history.paths(tags))
    if rows > ROWS_MAX:
        raise answer_too_large(rows, ROWS_MAX)
