"""One table, three ways out: JSON for people and scripts, CSV for Excel, Arrow for machines.

The way is chosen by ``?format=`` or, without it, by the Accept header.
"""

from __future__ import annotations

import io
import json
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
from fastapi import Response

from lianji.base.errors import Text
from lianji.web.faults import TooLarge

ARROW_TYPE = "application/vnd.apache.arrow.stream"
CSV_TYPE = "text/csv"
JSON_TYPE = "application/json"


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


def choose(wanted: Format | None, accept: str) -> Format:
    """The first of our media types that the header names; JSON if it names none."""
    if wanted is not None:
        return wanted
    for part in accept.split(","):
        match part.split(";")[0].strip().lower():
            case "text/csv":
                return Format.CSV
            case "application/vnd.apache.arrow.stream" | "application/vnd.apache.arrow.file":
                return Format.ARROW
            case "application/json":
                return Format.JSON
    return Format.JSON


def table_response(table: pa.Table, how: Format, rows_max: int) -> Response:
    """The whole table, or TooLarge if it has more than ``rows_max`` rows: never a silent cut."""
    if table.num_rows > rows_max:
        raise answer_too_large(table.num_rows, rows_max)
    match how:
        case Format.ARROW:
            return Response(_arrow(table), media_type=ARROW_TYPE)
        case Format.CSV:
            return Response(_csv(table), media_type=CSV_TYPE)
        case Format.JSON:
            return Response(_json(table), media_type=JSON_TYPE)


def answer_too_large(rows: int, rows_max: int) -> TooLarge:
    return TooLarge(
        "answer-too-large",
        Text(
            f"The answer has {rows} rows and the limit is {rows_max}.",
            f"结果有 {rows} 行，上限为 {rows_max} 行。",
        ),
        Text(
            "Ask for a shorter range or an aggregate, or raise ?limit=.",
            "请缩短时间范围、改用聚合，或提高 ?limit=。",
        ),
    )


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]  # pyarrow has no types


def _csv(table: pa.Table) -> bytes:
    plain = pa.table([_readable(c) for c in table.columns], names=table.schema.names)
    sink = io.BytesIO()
    pa_csv.write_csv(plain, sink)
    return sink.getvalue()


def _json(table: pa.Table) -> bytes:
    columns = [_readable(column).to_pylist() for column in table.columns]
    names = table.schema.names
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    answer = {"columns": names, "rows": rows}
    return json.dumps(answer, ensure_ascii=False, default=_plain, separators=(",", ":")).encode()


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as ISO 8601 UTC, dictionaries as what they name, NaN and infinities as null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return iso_times(column)
    if pa.types.is_floating(column.type):
        import pyarrow.compute as pc  # 8 MB that a plant which nobody asks need not carry

        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return pa.chunked_array([[_text(v) for v in column.to_pylist()]], pa.string())
    return column


def iso_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``2026-01-31T08:00:00.123456Z``; a timestamp without zone is taken for UTC."""
    utc = column.cast(pa.timestamp(column.type.unit, tz="UTC"))
    import pyarrow.compute as pc

    return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else json.dumps(value, default=str)


def _plain(value: object) -> str:
    return str(value)
