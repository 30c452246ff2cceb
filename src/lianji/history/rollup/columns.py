"""The columns of the rollup tables: buckets as they lie in Parquet, and back.

Names are for whoever reads the tables from elsewhere; ``integral_*`` are in the tag's unit times
seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE
from lianji.history.rollup.buckets import NO_TIME, Buckets, Floats, Instants, absent

EXTREMES = frozenset({"min", "min_time", "max", "max_time"})
SUMS = frozenset({"count", "good", "numbers", "sum"})
AREAS = frozenset({"integral_step", "integral_linear", "held_us", "sloped_us"})
MISSING = frozenset({"missing_time"})
"""Columns of the tables that a question may leave unread; see ``of_table``."""


def as_table(buckets: Buckets, paths: Sequence[str]) -> pa.Table:
    """The columns as they lie in the rollup tables; ``buckets.tag`` are codes into ``paths``."""
    b = buckets

    def number(column: Floats) -> pa.Array:
        return pa.array(column, mask=~np.isfinite(column))

    def moment(column: Instants) -> pa.Array:
        return pa.array(column, mask=column == NO_TIME).view(TIME_TYPE)

    def quality(column: NDArray[np.uint16]) -> pa.Array:
        return pa.array(column.astype(np.int32))

    tag = pa.DictionaryArray.from_arrays(pa.array(b.tag), pa.array(paths, pa.string()))
    return pa.table(
        [
            tag.cast(pa.string()), moment(b.time_us),
            number(b.first), moment(b.first_us), quality(b.first_quality),
            number(b.last), moment(b.last_us), quality(b.last_quality),
            number(b.min), moment(b.min_us), number(b.max), moment(b.max_us),
            pa.array(b.count), pa.array(b.good), pa.array(b.numbers), number(b.sum),
            number(b.area_step / 1e6), number(b.area_linear / 1e6),
            pa.array(b.held_us), pa.array(b.sloped_us), moment(b.missing_us),
        ],
        schema=SCHEMA,
    )  # fmt: skip


def of_table(table: pa.Table, tag: NDArray[np.int32]) -> Buckets:
    """The opposite of ``as_table``; ``tag`` are the codes of the rows.

    Columns that the table lacks, since nobody asked for them, hold nothing of any meaning.
    """
    there = set(table.column_names)

    def plain(name: str, kind: type[np.generic]) -> NDArray[Any]:
        if name not in there:
            return absent(len(tag), np.dtype(kind))
        column = table.column(name).combine_chunks()
        return np.asarray(column.to_numpy(zero_copy_only=False))

    def moment(name: str) -> Instants:
        if name not in there:
            return absent(len(tag), np.dtype(np.int64))
        whole = table.column(name).combine_chunks().view(pa.int64())
        return np.asarray(whole.fill_null(NO_TIME).to_numpy())

    def number(name: str) -> Floats:
        return plain(name, np.float64)

    def quality(name: str) -> NDArray[np.uint16]:
        return plain(name, np.int32).astype(np.uint16)

    def count(name: str) -> NDArray[np.int32]:
        return plain(name, np.int32)

    def area(name: str) -> Floats:
        return number(name) * 1e6 if name in there else number(name)

    return Buckets(
        tag, moment("time"),
        number("first"), moment("first_time"), quality("first_quality"),
        number("last"), moment("last_time"), quality("last_quality"),
        number("min"), moment("min_time"), number("max"), moment("max_time"),
        count("count"), count("good"), count("numbers"), number("sum"),
        area("integral_step"), area("integral_linear"),
        plain("held_us", np.int64), plain("sloped_us", np.int64), moment("missing_time"),
    )  # fmt: skip


SCHEMA = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("first", pa.float64()),
        pa.field("first_time", TIME_TYPE),
        pa.field("first_quality", pa.int32()),
        pa.field("last", pa.float64()),
        pa.field("last_time", TIME_TYPE),
        pa.field("last_quality", pa.int32()),
        pa.field("min", pa.float64()),
        pa.field("min_time", TIME_TYPE),
        pa.field("max", pa.float64()),
        pa.field("max_time", TIME_TYPE),
        pa.field("count", pa.int32()),
        pa.field("good", pa.int32()),
        pa.field("numbers", pa.int32()),
        pa.field("sum", pa.float64()),
        pa.field("integral_step", pa.float64()),
        pa.field("integral_linear", pa.float64()),
        pa.field("held_us", pa.int64()),
        pa.field("sloped_us", pa.int64()),
        pa.field("missing_time", TIME_TYPE),
    ]
)
"""``integral_*`` are in the tag's unit times seconds."""
