"""The files of a version: one Parquet file a part, and a digest by column and day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lianji.base.durable import sync_file
from lianji.history.backup.row_hash import row_hashes
from lianji.history.digest import DAY_US, Digest
from lianji.learn.datasets.manifest import PartFile
from lianji.learn.datasets.split import Splitter

DIGEST = "digest.parquet"
ROW_GROUP_ROWS = 100_000
CELLS, SAMPLES = "cells", "samples"
_SUM_MAX = 1 << 64


class PartWriter:
    """Rows into the files of their parts. Leaving without an error makes the files durable."""

    def __init__(self, folder: Path, schema: pa.Schema, splitter: Splitter) -> None:
        self._folder = folder
        self._splitter = splitter
        encoded = [name for name in schema.names if name != "time"]
        self._writers = [
            pq.ParquetWriter(
                folder / f"{name}.parquet",
                schema,
                compression="zstd",
                use_dictionary=encoded,
                column_encoding={"time": "DELTA_BINARY_PACKED"},
            )
            for name in splitter.names
        ]
        self._rows = [0] * len(self._writers)
        self._sums = [0] * len(self._writers)

    def write(self, table: pa.Table) -> None:
        times = table["time"].combine_chunks().view(pa.int64()).to_numpy()
        places = self._splitter.places(times)
        for place in np.unique(places).tolist():
            part = table.filter(pa.array(places == place))
            self._writers[place].write_table(part, row_group_size=ROW_GROUP_ROWS)
            self._rows[place] += part.num_rows
            total = int(row_hashes(part).sum(dtype=np.uint64))
            self._sums[place] = (self._sums[place] + total) % _SUM_MAX

    def files(self, start_us: int, end_us: int) -> list[PartFile]:
        """What was written, once this is left."""
        bounds = self._splitter.bounds_us(start_us, end_us)
        return [
            PartFile(
                file=f"{name}.parquet",
                part=name,
                start_us=begins,
                end_us=ends,
                rows=rows,
                bytes=(self._folder / f"{name}.parquet").stat().st_size,
                hash=f"{total:016x}",
            )
            for name, (begins, ends), rows, total in zip(
                self._splitter.names, bounds, self._rows, self._sums, strict=True
            )
        ]

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        for writer in self._writers:
            writer.close()
        if kind is None:
            for name in self._splitter.names:
                sync_file(self._folder / f"{name}.parquet")


def write_digests(
    folder: Path, start_us: int, cells: tuple[Sequence[str], Digest],
    samples: tuple[Sequence[str], Digest],
) -> None:  # fmt: skip
    """What columns and the tags behind them add up to, a row a name and day that has any."""
    tables = [
        _digest_table(what, names, digest, start_us)
        for what, (names, digest) in ((CELLS, cells), (SAMPLES, samples))
    ]
    pq.write_table(pa.concat_tables(tables), folder / DIGEST, compression="zstd")
    sync_file(folder / DIGEST)


def _digest_table(what: str, names: Sequence[str], digest: Digest, start_us: int) -> pa.Table:
    places, days = np.nonzero((digest.counts != 0) | (digest.hashes != 0))
    return pa.table(
        {
            "what": pa.array([what] * len(places), pa.string()),
            "name": pa.array([names[place] for place in places.tolist()], pa.string()),
            "day_us": pa.array(start_us + days * DAY_US, pa.int64()),
            "rows": pa.array(digest.counts[places, days], pa.int64()),
            "hash": pa.array(digest.hashes[places, days], pa.uint64()),
        }
    )


Days = dict[str, dict[int, tuple[int, int]]]
"""By name and the day's begin: rows and hash."""


def read_digest(folder: Path, what: str) -> Days:
    """Raises ArrowException, OSError."""
    table = pq.read_table(folder / DIGEST, filters=[("what", "=", what)])
    found: Days = {}
    columns = (table[name].to_pylist() for name in ("name", "day_us", "rows", "hash"))
    for name, day_us, rows, total in zip(*columns, strict=True):
        found.setdefault(name, {})[day_us] = rows, total
    return found
