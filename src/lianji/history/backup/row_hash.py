"""A number for a set of rows that is the same in whatever order and files the rows lie.

Each row becomes 64 bits, of which a day's are added up modulo 2^64. Equal sums of equally many rows
mean equal rows, as surely as 64 bits can say it, so a compaction changes no sum and one flipped bit
of one value does. It guards against faults, not against forgers.

A row's columns are mixed one after the other, each step a bijection (the finaliser of SplitMix64:
Steele, Lea, Flood, OOPSLA 2014), so two rows that differ in one number never share their bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from lianji.history.delta.files import day_name
from lianji.history.parquet.writing import DAY_US

Hashes = NDArray[np.uint64]
Days = dict[str, tuple[int, int]]
"""Of each day: how many rows, and the sum of their hashes modulo 2^64."""

_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)
_NULL = np.uint64(0x7FF84C4A_6E756C6C)
"""What stands for no value: as a number it is a NaN, as a time far off, so no value is taken for
it."""
_SUM_MAX = 1 << 64


def days_of_file(path: Path, period: str) -> Days:
    """The days of a Parquet file, a row group at a time.

    Rows without a column ``time`` count for ``period``. Raises ArrowException for a file that is
    damaged, OSError.
    """
    with pa.memory_map(str(path)) as source:
        return days_in(source, period)


def days_in(source: Any, period: str) -> Days:
    """The same of an open file."""
    days: Days = {}
    with pq.ParquetFile(source) as told:
        texts = [f.name for f in told.schema_arrow if pa.types.is_string(f.type)]
        with pq.ParquetFile(source, metadata=told.metadata, read_dictionary=texts) as parquet:
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group, use_threads=False)
                add_days(days, days_of(table, period))
    return days


def days_of(table: pa.Table, period: str) -> Days:
    """The days of a table's rows."""
    hashes = row_hashes(table)
    if not len(hashes):
        return {}
    if "time" not in table.column_names:
        return {period: (len(hashes), int(hashes.sum(dtype=np.uint64)))}
    day = _one(table.column("time")).cast(pa.int64()).to_numpy() // DAY_US
    first, last = int(day.min()), int(day.max())
    if first == last:
        return {day_name(first): (len(hashes), int(hashes.sum(dtype=np.uint64)))}
    order = np.argsort(day, kind="stable")
    numbers, starts, counts = np.unique(day[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(hashes[order], starts)
    found = zip(numbers.tolist(), counts.tolist(), sums.tolist(), strict=True)
    return {day_name(number): (count, total) for number, count, total in found}


def add_days(days: Days, more: Days) -> None:
    """Count ``more`` in."""
    for day, (rows, total) in more.items():
        had_rows, had_total = days.get(day, (0, 0))
        days[day] = had_rows + rows, (had_total + total) % _SUM_MAX


def row_hashes(table: pa.Table) -> Hashes:
    """64 bits of each row, shape (rows,). Names of columns count, widths of integers do not."""
    hashes = np.zeros(table.num_rows, np.uint64)
    scratch = np.empty_like(hashes)
    for name, column in zip(table.column_names, table.columns, strict=True):
        hashes ^= _bits(_one(column))
        hashes += np.uint64(xxhash.xxh3_64_intdigest(name.encode()))
        _mix(hashes, scratch)
    return hashes


def _mix(hashes: Hashes, scratch: Hashes) -> None:
    for shift, factor in _MIX:
        np.right_shift(hashes, shift, out=scratch)
        hashes ^= scratch
        hashes *= factor
    np.right_shift(hashes, _LAST_SHIFT, out=scratch)
    hashes ^= scratch


def _bits(column: pa.Array) -> Hashes | np.uint64:
    """64 bits of each cell; one for all where all are null."""
    if column.null_count == len(column):
        return _NULL
    bits = _of_values(column)
    if column.null_count:
        bits = np.where(column.is_null().to_numpy(zero_copy_only=False), _NULL, bits)
    return bits


def _of_values(column: pa.Array) -> Hashes:
    kind = column.type
    if pa.types.is_floating(kind):
        wide = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(wide).view(np.uint64)
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return _whole(column)
    if pa.types.is_date32(kind):
        return _whole(column.cast(pa.int32()))
    if pa.types.is_dictionary(kind):
        return _of_words(column)
    if pa.types.is_string(kind):
        return _of_words(column.dictionary_encode())
    return _of_words(pa.array([repr(cell) for cell in column.to_pylist()]).dictionary_encode())


def _whole(column: pa.Array) -> Hashes:
    wide = column.cast(pa.int64())
    wide = wide.fill_null(0) if wide.null_count else wide
    return np.ascontiguousarray(wide.to_numpy(zero_copy_only=False)).view(np.uint64)


def _of_words(column: pa.Array) -> Hashes:
    words = column.dictionary.to_pylist()
    each = (xxhash.xxh3_64_intdigest((word or "").encode()) for word in words)
    numbers = np.fromiter(each, np.uint64, len(words))
    indices = column.indices
    indices = indices.fill_null(0) if indices.null_count else indices
    chosen: Hashes = numbers[indices.to_numpy()]
    return chosen


def _one(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks()
