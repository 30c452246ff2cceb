"""Parquet files of sorted samples: written small, and found fast.

All is zstd, tags and quality by dictionary. Times and values are encoded in whichever way is
smallest for the file at hand, which is tried out on its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lianji.base.ids import new_id
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import day_name, folder_of
from lianji.history.parquet.bounds import bounds_of
from lianji.history.places.place import Place
from lianji.history.rows import Rows, stable_order

DAY_US = 86_400_000_000
ROW_GROUP_ROWS = 65_536
"""Smaller ones are read faster for one tag and cost a little space (measured: 0.7 %)."""
FILE_ROWS_MAX = 8_000_000
TRIED_ROWS = 16_384
_DICTIONARY = "DICTIONARY"
_TIME_ENCODINGS = ("DELTA_BINARY_PACKED", "PLAIN")
"""Plain times that machines share are the same bytes again and again, which zstd finds."""
_VALUE_ENCODINGS = (_DICTIONARY, "PLAIN", "BYTE_STREAM_SPLIT")
_FILE_SCHEMA = pa.schema(
    [
        pa.field("tag", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int32(), nullable=False),
    ]
)


def write_days(
    place: Place, site: str, rows: Rows, paths: Sequence[str], level: int = 0
) -> list[DataFile]:
    """Write sorted rows as files, one or more a day; ``rows.tag`` are codes into ``paths``.

    Sorted means by path and time. The files are durable and not yet part of the table.
    """
    return write_sites(place, [(site, rows)], paths, level)


def write_sites(
    place: Place, parts: Iterable[tuple[str, Rows]], paths: Sequence[str], level: int = 0
) -> list[DataFile]:
    """The same for the rows of several sites. All files are made durable together, and the small
    ones are encoded alike, as suits the first: they are merged soon."""
    drafts: list[DataFile] = []
    options: dict[str, Any] | None = None
    for site, of_site in parts:
        for day, of_day in _by_day(of_site):
            for part in _in_pieces(of_day):
                if options is None or len(part) > TRIED_ROWS:
                    options = _written_as(part)
                piece = [(part, paths)]
                drafts.append(_drafted(place, site, day_name(day), piece, level, options))
    sizes = place.keep_all([file.path for file in drafts])
    return [replace(file, bytes=size) for file, size in zip(drafts, sizes, strict=True)]


def _by_day(rows: Rows) -> Iterator[tuple[int, Rows]]:
    if not len(rows):
        return
    day = (rows.time_us // DAY_US).astype(np.int32)
    first = int(day.min())
    if int(day.max()) > first:
        order = stable_order(day - first)
        rows, day = rows.take(order), day[order]
    bounds = [0, *(np.flatnonzero(day[1:] != day[:-1]) + 1).tolist(), len(rows)]
    for begin, end in pairwise(bounds):
        yield int(day[begin]), rows.take(slice(begin, end))


def _in_pieces(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), FILE_ROWS_MAX):
        yield rows.take(slice(start, start + FILE_ROWS_MAX))


def write_file(
    place: Place,
    site: str,
    day: str,
    pieces: Iterable[tuple[Rows, Sequence[str]]],
    level: int = 0,
    compression_level: int = 1,
) -> DataFile:
    """Write one file of a day from consecutive pieces (rows, and the paths of their tag codes).

    The pieces together are sorted by path and time and are not empty.
    """
    pieces = iter(pieces)
    first = next(pieces)
    options = _written_as(first[0], compression_level)
    file = _drafted(place, site, day, chain([first], pieces), level, options)
    return replace(file, bytes=place.keep(file.path))


def _drafted(
    place: Place,
    site: str,
    day: str,
    pieces: Iterable[tuple[Rows, Sequence[str]]],
    level: int,
    options: dict[str, Any],
) -> DataFile:
    """A file that is written and not yet kept: its size is still to be told."""
    path = f"{folder_of(site, 'day', day)}/{new_id().hex()}.parquet"
    draft = place.local_draft(path)
    seen = _Seen()
    footers: list[pq.FileMetaData] = []
    with pq.ParquetWriter(draft, _FILE_SCHEMA, metadata_collector=footers, **options) as writer:
        for rows, paths in pieces:
            seen.take(rows, paths)
            for start in range(0, len(rows), ROW_GROUP_ROWS):
                group = rows.take(slice(start, start + ROW_GROUP_ROWS))
                writer.write_table(_as_group(group, paths), row_group_size=ROW_GROUP_ROWS)
    return seen.file(path, site, day, level, bounds_of(footers[0]))


class _Seen:
    """What a file's log entry says of the rows in it."""

    def __init__(self) -> None:
        self.rows = 0
        self.first_tag: str | None = None
        self.last_tag = ""
        self.start_us = np.iinfo(np.int64).max
        self.end_us = np.iinfo(np.int64).min

    def take(self, rows: Rows, paths: Sequence[str]) -> None:
        if self.first_tag is None:
            self.first_tag = paths[int(rows.tag[0])]
        self.last_tag = paths[int(rows.tag[-1])]
        self.rows += len(rows)
        self.start_us = min(self.start_us, int(rows.time_us.min()))
        self.end_us = max(self.end_us, int(rows.time_us.max()))

    def file(self, path: str, site: str, day: str, level: int, bounds: str) -> DataFile:
        return DataFile(
            path=path,
            site=site,
            period=day,
            bytes=0,
            rows=self.rows,
            first_tag=self.first_tag or "",
            last_tag=self.last_tag,
            start_us=self.start_us,
            end_us=self.end_us,
            level=level,
            bounds=bounds,
        )


def _written_as(rows: Rows, compression_level: int = 1) -> dict[str, Any]:
    """The writer's options for a file that begins with these rows: of several sound encodings of
    times and of values each the one that is smallest on a stretch of them."""
    some = rows.take(slice(0, TRIED_ROWS))
    time = pa.array(some.time_us).view(TIME_TYPE)
    value = pa.array(some.value, mask=np.isnan(some.value))
    chosen = {
        "time": _smallest(time, _TIME_ENCODINGS, compression_level),
        "value": _smallest(value, _VALUE_ENCODINGS, compression_level),
    }
    dictionary = [name for name, encoding in chosen.items() if encoding == _DICTIONARY]
    return {
        "compression": "zstd",
        "compression_level": compression_level,
        "use_dictionary": ["tag", "text", "quality", *dictionary],
        "column_encoding": {n: e for n, e in chosen.items() if e != _DICTIONARY},
        "write_statistics": True,
        "store_schema": False,
    }


def _smallest(column: pa.Array, encodings: Sequence[str], compression_level: int) -> str:
    table = pa.table({"c": column})

    def size(encoding: str) -> int:
        sink = pa.BufferOutputStream()
        is_dictionary = encoding == _DICTIONARY
        pq.write_table(
            table,
            sink,
            compression="zstd",
            compression_level=compression_level,
            use_dictionary=is_dictionary,
            column_encoding=None if is_dictionary else {"c": encoding},
            write_statistics=False,
            store_schema=False,
        )
        return int(sink.tell())

    return min(encodings, key=size)


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
