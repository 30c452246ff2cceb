"""Answers of the historian on their way out: how many rows may leave, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pyarrow as pa
from fastapi import Response

from lianji.web.faults import errors
from lianji.web.formats import (
    ARROW_TYPE,
    CSV_TYPE,
    PARQUET_TYPE,
    Format,
    answer_too_large,
    parts_response,
    table_response,
)
from lianji.web.ports import HistoryView

ROWS_MAX = 20_000_000
ROWS_DEFAULT = 1_000_000
EXPECTED_TIMES = 10
"""What is expected to be so many times too long is refused before anything is read; what is
nearer to its limit is read to see."""
UNREADABLE = "Lianji-Unreadable"

A_TABLE = {
    200: {
        "description": "The rows, as ?format= or Accept says.",
        "headers": {
            UNREADABLE: {
                "description": "So many files could not be read, and the answer lacks their rows.",
                "schema": {"type": "integer"},
            }
        },
        "content": {
            "application/json": {"example": {"columns": ["tag", "time", "value"], "rows": []}},
            CSV_TYPE: {},
            ARROW_TYPE: {},
            PARQUET_TYPE: {},
        },
    },
    **errors(400, 404, 413),
}


def answered(history: HistoryView, table: pa.Table, how: Format, rows_max: int) -> Response:
    """The table whole, or TooLarge."""
    return table_response(table, how, rows_max, lacking(history))


def streamed(history: HistoryView, parts: Iterator[pa.Table], how: Format) -> Response:
    """However long, as a stream. The first part is waited for, so that what is wrong with the
    question is told as an error."""
    first = next(parts)
    return parts_response(chain([first], parts), how, lacking(history))


def gathered(
    history: HistoryView, parts: Iterator[pa.Table], expected: int, how: Format, limit: int
) -> Response:
    """The parts whole, or TooLarge, found out before or while they are read."""
    if expected > EXPECTED_TIMES * limit:
        raise answer_too_large(expected, limit)
    some: list[pa.Table] = []
    rows = 0
    for part in parts:
        some.append(part)
        rows += part.num_rows
        if rows > limit:
            raise answer_too_large(max(expected, rows), limit)
    return answered(history, pa.concat_tables(some), how, limit)


def lacking(history: HistoryView) -> dict[str, str]:
    """The header of answers that lack rows."""
    return {UNREADABLE: str(len(history.unreadable))} if history.unreadable else {}
