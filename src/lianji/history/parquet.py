"""Parquet: sorted rows out, pruned rows in.

Encodings are those that were measured to be smallest: zstd, tags and quality by dictionary, times
by deltas, values by dictionary where they repeat and by split bytes where they do not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lianji.base.clock import from_us
from lianji.base.durable import make_folder
from lianji.base.ids import new_id
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.rows import Rows, stable_order
from lianji.history.table import DataFile

DAY_US = 86_400_000_000
ROW_GROUP_ROWS = 65_536
"""Smaller ones are read faster for one tag and cost a little space (measured: 0.7 %)."""
FILE_ROWS_MAX = 8_000_000
_SAMPLE_ROWS = 20_000
_FILE_SCHEMA = pa.schema(
    [
        pa.field("tag", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int32(), nullable=False),
    ]
)


def write_days(folder: Path, site: str, rows: Rows, paths: Sequence[str]) -> list[DataFile]:
    """Write sorted rows as files, one or more a day; ``rows.tag`` are codes into ``paths``.

    Sorted means by path and time. The files are not yet part of the table and not yet synced.
    """
    if not len(rows):
        return []
    day = (rows.time_us // DAY_US).astype(np.int32)
    first = int(day.min())
    if int(day.max()) > first:
        order = stable_order(day - first)
        rows, day = rows.take(order), day[order]
    bounds = [0, *(np.flatnonzero(day[1:] != day[:-1]) + 1).tolist(), len(rows)]
    files: list[DataFile] = []
    for begin, end in pairwise(bounds):
        for start in range(begin, end, FILE_ROWS_MAX):
            part = rows.take(slice(start, min(end, start + FILE_ROWS_MAX)))
            files.append(_write_file(folder, site, int(day[begin]), part, paths))
    return files


def _write_file(folder: Path, site: str, day: int, rows: Rows, paths: Sequence[str]) -> DataFile:
    name = datetime.fromtimestamp(day * 86400, UTC).date().isoformat()
    path = f"site={site}/day={name}/{new_id().hex()}.parquet"
    make_folder((folder / path).parent)
    with pq.ParquetWriter(folder / path, _FILE_SCHEMA, **_written_as(rows.value)) as writer:
        for start in range(0, len(rows), ROW_GROUP_ROWS):
            group = rows.take(slice(start, start + ROW_GROUP_ROWS))
            writer.write_table(_as_group(group, paths), row_group_size=ROW_GROUP_ROWS)
    return DataFile(
        path=path,
        site=site,
        day=name,
        bytes=(folder / path).stat().st_size,
        rows=len(rows),
        first_tag=paths[int(rows.tag[0])],
        last_tag=paths[int(rows.tag[-1])],
        start_us=int(rows.time_us.min()),
        end_us=int(rows.time_us.max()),
    )


def _written_as(values: NDArray[np.float64]) -> dict[str, Any]:
    """The writer's options for a file of these values."""
    split = _values_hardly_repeat(values)
    encodings = {"time": "DELTA_BINARY_PACKED"} | ({"value": "BYTE_STREAM_SPLIT"} if split else {})
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": ["tag", "text", "quality", *([] if split else ["value"])],
        "column_encoding": encodings,
        "write_statistics": True,
        "store_schema": False,
    }


def _as_group(rows: Rows, paths: Sequence[str]) -> pa.Table:
    """One row group. Its dictionary holds its own tags alone: Parquet writes it whole in each."""
    codes, tags = _compact(rows.tag)
    missing = np.isnan(rows.value)
    return pa.table(
        [
            pa.DictionaryArray.from_arrays(
                pa.array(codes), pa.array([paths[tag] for tag in tags], pa.string())
            ),
            pa.array(rows.time_us).view(TIME_TYPE),
            pa.array(rows.value, mask=missing if missing.any() else None),
            rows.text,
            pa.array(rows.quality.astype(np.int32)),
        ],
        schema=_FILE_SCHEMA,
    )


def _compact(tags: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[int]]:
    """Codes from 0 for sorted tags, and the tags they stand for."""
    new = np.append(True, tags[1:] != tags[:-1])
    return np.cumsum(new, dtype=np.int32) - np.int32(1), tags[new].tolist()


def _values_hardly_repeat(values: NDArray[np.float64]) -> bool:
    step = max(1, len(values) // _SAMPLE_ROWS)
    sample = values[::step]
    return len(sample) > 1000 and len(np.unique(sample)) > len(sample) // 2


@lru_cache(maxsize=512)
def _metadata(path: Path) -> pq.FileMetaData:
    """Files never change once they are written, so their footers may be kept."""
    return pq.read_metadata(path)


class Wanted:
    """Which rows a question wants: some tags (all, if None) between two times."""

    def __init__(self, paths: Sequence[str] | None, start_us: int, end_us: int) -> None:
        """``end_us`` is included."""
        self.paths = paths
        self.start_us = start_us
        self.end_us = end_us
        self.code = None if paths is None else {path: code for code, path in enumerate(paths)}
        self.sorted = None if paths is None else sorted(paths)

    def touches(self, file: DataFile) -> bool:
        return file.overlaps(self.start_us, self.end_us) and self.has_within(
            file.first_tag, file.last_tag
        )

    def has_within(self, first_tag: str, last_tag: str) -> bool:
        """True if a wanted tag lies from ``first_tag`` to ``last_tag``, both included."""
        if self.sorted is None:
            return True
        place = bisect_left(self.sorted, first_tag)
        return place < len(self.sorted) and self.sorted[place] <= last_tag

    def codes_of(self, names: Sequence[str]) -> NDArray[np.int32]:
        """The codes of these tag names, -1 for one that is not wanted."""
        assert self.code is not None
        code = self.code
        return np.array([code.get(name, -1) for name in names], dtype=np.int32)


def read_rows(folder: Path, file: DataFile, wanted: Wanted, codes: dict[str, int]) -> Rows:
    """The wanted rows of a file, in its order (tag, time). Raises FileNotFoundError.

    ``Rows.tag`` are codes into ``wanted.paths``; where all tags are wanted, ``codes`` gives each
    new name the next number.
    """
    path = folder / file.path
    metadata = _metadata(path)
    groups = [g for g in range(metadata.num_row_groups) if _group_touches(metadata, g, wanted)]
    if not groups:
        return Rows.none()
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=["tag"]) as source:
        table = source.read_row_groups(
            groups, columns=["tag", "time", "value", "text", "quality"], use_threads=len(groups) > 1
        )
    return _filtered(table.combine_chunks().unify_dictionaries(), wanted, codes)


def _group_touches(metadata: pq.FileMetaData, group: int, wanted: Wanted) -> bool:
    columns = metadata.row_group(group)
    tag, time = columns.column(0).statistics, columns.column(1).statistics
    if tag is not None and tag.has_min_max and not wanted.has_within(tag.min, tag.max):
        return False
    if time is None or not time.has_min_max:
        return True
    return bool(time.min <= from_us(wanted.end_us) and time.max >= from_us(wanted.start_us))


def _filtered(table: pa.Table, wanted: Wanted, codes: dict[str, int]) -> Rows:
    tag = _one(table.column("tag"))
    names = tag.dictionary.to_pylist()
    if wanted.code is None:
        local = np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int32)
    else:
        local = wanted.codes_of(names)
    codes_of_rows = local[tag.indices.to_numpy()]
    times = _one(table.column("time")).cast(pa.int64()).to_numpy()
    keep = (times >= wanted.start_us) & (times <= wanted.end_us) & (codes_of_rows >= 0)
    if not keep.any():
        return Rows.none()
    mask = None if keep.all() else pa.array(keep)
    rest = table.select(["value", "text", "quality"])
    rest = rest if mask is None else rest.filter(mask)
    return Rows(
        codes_of_rows[keep],
        times[keep],
        _one(rest.column("value")).to_numpy(zero_copy_only=False),
        _one(rest.column("quality")).to_numpy().astype(np.uint16),
        _one(rest.column("text")),
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def rows_of_files(
    folder: Path, files: Sequence[DataFile], wanted: Wanted, codes: dict[str, int]
) -> Iterator[Rows]:
    """The wanted rows of every file that may have some."""
    for file in files:
        if wanted.touches(file):
            rows = read_rows(folder, file, wanted, codes)
            if len(rows):
                yield rows
