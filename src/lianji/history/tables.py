"""The tables of a history: what each is made of, and files for the small ones.

``samples`` is the one that matters. Beside it lie, in folders of their own: ``modified``, what
corrections replaced; ``samples_1min`` and ``samples_1h``, the rollups; ``annotations``.
All are Delta tables that anything may read.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from lianji.base.ids import new_id
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import folder_of
from lianji.history.delta.log import TableSpec
from lianji.history.parquet.bounds import bounds_of
from lianji.history.places.place import Place

_TAG = pa.field("tag", pa.string(), nullable=False)
_TIME = pa.field("time", TIME_TYPE, nullable=False)
_SITE = pa.field("site", pa.string(), nullable=False)
_CONTENT = [
    pa.field("value", pa.float64()),
    pa.field("text", pa.string()),
    pa.field("quality", pa.int32(), nullable=False),
]
SAMPLES = TableSpec(
    "samples",
    pa.schema([_TAG, _TIME, *_CONTENT, _SITE, pa.field("day", pa.date32(), nullable=False)]),
)
MODIFIED = TableSpec(
    "modified",
    pa.schema(
        [
            _TAG,
            _TIME,
            *_CONTENT,
            pa.field("modified", TIME_TYPE, nullable=False),
            pa.field("origin", pa.string()),
            pa.field("kind", pa.string()),
            _SITE,
            pa.field("month", pa.string(), nullable=False),
        ]
    ),
    "month",
)
"""Rows that are no longer in ``samples``: what they were, since when not, and who said so."""


def month_of(day: str) -> str:
    return day[:7]


def write_small(
    place: Place,
    spec: TableSpec,
    site: str,
    period: str,
    table: pa.Table,
    sources: tuple[str, ...] = (),
    options: dict[str, object] | None = None,
) -> DataFile:
    """Write a table, sorted by tag and time and not empty, as one durable file.

    ``table`` has the columns of ``spec`` without the partitions.
    """
    path = f"{folder_of(site, spec.period_column, period)}/{new_id().hex()}.parquet"
    told = {"compression": "zstd", "store_schema": False, "row_group_size": 16_384}
    draft = place.local_draft(path)
    pq.write_table(table, draft, **(told | (options or {})))
    bounds = bounds_of(pq.read_metadata(draft))
    tags, times = table.column("tag"), table.column("time").combine_chunks()
    first_us, last_us = _ends(times)
    return DataFile(
        path=path,
        site=site,
        period=period,
        bytes=place.keep(path),
        rows=table.num_rows,
        first_tag=tags[0].as_py(),
        last_tag=tags[-1].as_py(),
        start_us=first_us,
        end_us=last_us,
        sources=sources,
        bounds=bounds,
    )


def _ends(times: pa.Array) -> tuple[int, int]:
    numbers = times.view(pa.int64()).to_numpy()
    return int(numbers.min()), int(numbers.max())
