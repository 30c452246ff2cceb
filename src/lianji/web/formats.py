"""One table, four ways out: JSON for people and scripts, CSV for Excel, Arrow for machines, Parquet
to keep.

The way is chosen by ``?format=`` or, without it, by the Accept header. What is long leaves as a
stream, part by part, so that neither side need hold all of it.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from fastapi import Response
from fastapi.responses import StreamingResponse

from lianji.base.errors import Text
from lianji.web.faults import TooLarge

ARROW_TYPE = "application/vnd.apache.arrow.stream"
CSV_TYPE = "text/csv"
PARQUET_TYPE = "application/vnd.apache.parquet"
JSON_TYPE = "application/json"
STREAMED_FROM_ROWS = 200_000
BATCH_ROWS = 65_536


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


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
            case "application/vnd.apache.parquet":
                return Format.PARQUET
            case "application/json":
                return Format.JSON
    return Format.JSON


def table_response(
    table: pa.Table, how: Format, rows_max: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The whole table, or TooLarge if it has more than ``rows_max`` rows: never a silent cut."""
    if table.num_rows > rows_max:
        raise answer_too_large(table.num_rows, rows_max)
    if how is Format.JSON:
        return Response(_json(table), headers=dict(headers or {}), media_type=JSON_TYPE)
    if table.num_rows > STREAMED_FROM_ROWS:
        return parts_response(_cut(table), how, headers)
    content = b"".join(_STREAMS[how](iter([table])))
    return Response(content, headers=dict(headers or {}), media_type=_TYPES[how])


def parts_response(
    parts: Iterator[pa.Table], how: Format, headers: Mapping[str, str] | None = None
) -> Response:
    """Tables of one schema as one stream of Arrow, CSV or Parquet, each written when it is wanted.

    If a part fails, the connection ends without an end of the stream, so that nobody takes what
    came for all there is.
    """
    return StreamingResponse(
        _STREAMS[how](parts), headers=dict(headers or {}), media_type=_TYPES[how]
    )


def _cut(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, STREAMED_FROM_ROWS):
        yield table.slice(start, STREAMED_FROM_ROWS)


def answer_too_large(rows: int, rows_max: int) -> TooLarge:
    return TooLarge(
        "answer-too-large",
        Text(
            f"The answer has about {rows} rows or more and the limit is {rows_max}.",
            f"结果约有 {rows} 行或更多，上限为 {rows_max} 行。",
        ),
        Text(
            "Ask for a shorter range or an aggregate, or raise ?limit=.",
            "请缩短时间范围、改用聚合，或提高 ?limit=。",
        ),
    )


class _Pipe(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._passed = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._written.append(bytes(content))
        self._passed += len(self._written[-1])
        return len(self._written[-1])

    def tell(self) -> int:
        return self._passed

    def taken(self) -> bytes:
        written, self._written = self._written, []
        return b"".join(written)


def _arrow(parts: Iterable[pa.Table]) -> Iterator[bytes]:
    pipe, rest = _Pipe(), iter(parts)
    first = next(rest)
    with pa.ipc.new_stream(pipe, first.schema) as writer:
        for part in chain([first], rest):
            writer.write_table(part, max_chunksize=BATCH_ROWS)
            yield pipe.taken()
    yield pipe.taken()


def _csv(parts: Iterable[pa.Table]) -> Iterator[bytes]:
    import pyarrow.csv as pa_csv

    head = True
    for part in parts:
        plain = pa.table([_readable(c) for c in part.columns], names=part.schema.names)
        sink = io.BytesIO()
        pa_csv.write_csv(plain, sink, pa_csv.WriteOptions(include_header=head))
        head = False
        yield sink.getvalue()


def _parquet(parts: Iterable[pa.Table]) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    pipe, rest = _Pipe(), iter(parts)
    first = next(rest)
    with pq.ParquetWriter(pipe, first.schema, compression="zstd") as writer:
        for part in chain([first], rest):
            writer.write_table(part)
            yield pipe.taken()
    yield pipe.taken()


_STREAMS = {Format.ARROW: _arrow, Format.CSV: _csv, Format.PARQUET: _parquet}
_TYPES = {Format.ARROW: ARROW_TYPE, Format.CSV: CSV_TYPE, Format.PARQUET: PARQUET_TYPE}


def _json(table: pa.Table) -> bytes:
    columns = [_values(column) for column in table.columns]
    names = table.schema.names
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    answer = {"columns": names, "rows": rows}
    return json.dumps(answer, ensure_ascii=False, default=_plain, separators=(",", ":")).encode()


def _values(column: pa.ChunkedArray) -> list[Any]:
    """As ``_readable`` and twice as fast, for Python. It needs no ``pyarrow.compute``, 9 MB that a
    plant of which only pages and scripts ask need not carry (measured)."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return [value for chunk in column.chunks for value in _named(chunk)]
    if pa.types.is_timestamp(kind):
        texts: list[Any] = np.datetime_as_string(
            column.to_numpy(), unit=kind.unit, timezone="UTC"
        ).tolist()
        return [None if t == "NaT" else t for t in texts] if column.null_count else texts
    if pa.types.is_floating(kind):
        return [v if v is not None and math.isfinite(v) else None for v in column.to_pylist()]
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return [_text(value) for value in column.to_pylist()]
    return list(column.to_pylist())


def _named(chunk: pa.DictionaryArray) -> Iterator[Any]:
    names = chunk.dictionary.to_pylist()
    return (None if code is None else names[code] for code in chunk.indices.to_pylist())


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as ISO 8601 UTC, dictionaries as what they name, NaN and infinities as null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return iso_times(column)
    if pa.types.is_floating(column.type):
        import pyarrow.compute as pc

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
