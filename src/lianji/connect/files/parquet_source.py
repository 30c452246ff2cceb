"""Parquet files, row group by row group, with the types that they carry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lianji.connect.files.pieces import Block, refuse

_BLOCK_ROWS = 131_072


class ParquetSource:
    """A Parquet file of plain columns. Columns of columns are left out of it by the user."""

    delimiter = ""

    def __init__(self, path: Path) -> None:
        self.bytes_total = path.stat().st_size
        try:
            self._file = pq.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise refuse(
                "format",
                f"{path.name} is not a Parquet file: {error}.",
                f"{path.name} 不是 Parquet 文件：{error}。",
                "Check that the file is complete.",
                "请检查文件是否完整。",
            ) from error
        self.names: list[str] = self._file.schema_arrow.names

    def blocks(self) -> Iterator[Block]:
        first, rows = 0, max(self._file.metadata.num_rows, 1)
        for batch in self._file.iter_batches(_BLOCK_ROWS):
            ordinals = np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows
            columns = [_plain(column) for column in batch.columns]
            yield Block(columns, ordinals + 1, ordinals, self.bytes_total * first // rows)


def _plain(column: pa.Array) -> pa.Array:
    """One of: float64, int64, bool, string, timestamp."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return column.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.uint64():
        return pc.cast(column, pa.float64(), safe=False)
    if pa.types.is_large_string(kind) or pa.types.is_time(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind):
        return column
    return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()])
