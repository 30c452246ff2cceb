"""The rollup tables ``samples_1min`` and ``samples_1h``: what they are made of, and their writer.

A file says of which files of ``samples`` it was worked out (its sources, ``day:name``). It counts
for a day as long as all of that day's sources are still in the table; see ``stored``.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from lianji.base.ids import new_id
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import folder_of
from lianji.history.delta.log import TableSpec
from lianji.history.parquet.bounds import bounds_of
from lianji.history.places.place import Place
from lianji.history.rollup.buckets import Buckets
from lianji.history.rollup.columns import SCHEMA, as_table

ROW_GROUP_ROWS = 16_384
"""Small, for most questions want a few tags over a long time."""
_SITE = pa.field("site", pa.string(), nullable=False)
MINUTES = TableSpec(
    "samples_1min",
    pa.schema([*SCHEMA, _SITE, pa.field("day", pa.date32(), nullable=False)]),
)
HOURS = TableSpec(
    "samples_1h",
    pa.schema([*SCHEMA, _SITE, pa.field("month", pa.string(), nullable=False)]),
    "month",
)
_TIMES = [field.name for field in SCHEMA if pa.types.is_timestamp(field.type)]
_SUMS = ["sum", "integral_step", "integral_linear"]
_OPTIONS = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": [f.name for f in SCHEMA if f.name not in {*_TIMES, *_SUMS}],
    "column_encoding": {
        **dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED"),
        **dict.fromkeys(_SUMS, "BYTE_STREAM_SPLIT"),
    },
    "store_schema": False,
}


class RollupWriter:
    """One file of a rollup table, written piece by piece."""

    def __init__(self, place: Place, spec: TableSpec, site: str, period: str) -> None:
        self._place, self._spec, self._site, self._period = place, spec, site, period
        self._path = f"{folder_of(site, spec.period_column, period)}/{new_id().hex()}.parquet"
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self._first_tag = self._last_tag = ""
        self._start_us = self._end_us = 0

    def add(self, buckets: Buckets, paths: Sequence[str]) -> None:
        """Sorted buckets of tags behind all that were added before."""
        if not len(buckets):
            return
        first_us, last_us = int(buckets.time_us.min()), int(buckets.time_us.max())
        if self._writer is None:
            self._draft = self._place.local_draft(self._path)
            self._writer = pq.ParquetWriter(self._draft, SCHEMA, **_OPTIONS)
            self._first_tag = paths[int(buckets.tag[0])]
            self._start_us, self._end_us = first_us, last_us
        self._writer.write_table(as_table(buckets, paths), row_group_size=ROW_GROUP_ROWS)
        self._last_tag = paths[int(buckets.tag[-1])]
        self._start_us = min(self._start_us, first_us)
        self._end_us = max(self._end_us, last_us)
        self._rows += len(buckets)

    def close(self, sources: Sequence[str]) -> list[DataFile]:
        """The durable file, or none if nothing was added."""
        if self._writer is None:
            return []
        self._writer.close()
        bounds = bounds_of(pq.read_metadata(self._draft))
        return [
            DataFile(
                path=self._path,
                site=self._site,
                period=self._period,
                bytes=self._place.keep(self._path),
                rows=self._rows,
                first_tag=self._first_tag,
                last_tag=self._last_tag,
                start_us=self._start_us,
                end_us=self._end_us,
                sources=tuple(sources),
                bounds=bounds,
            )
        ]


def source_of(file: DataFile) -> str:
    """How a rollup names a file of samples."""
    return f"{file.period}:{file.name}"


def sources_by_day(file: DataFile) -> dict[str, set[str]]:
    """The names of a rollup file's sources, by day."""
    found: dict[str, set[str]] = {}
    for source in file.sources:
        day, _, name = source.partition(":")
        found.setdefault(day, set()).add(name)
    return found
