"""SQL over the samples: DuckDB reads the files that we list, and memory, and nothing else.

Each question runs in a database of its own that lives in memory, may open only the listed files,
may not change its settings, and is interrupted when its time is over.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lianji.base.errors import InputError, StorageError, Text
from lianji.dictionary.batch import TIME_TYPE
from lianji.history.parquet.reading import Stored, broken_end, unreadable
from lianji.history.rows import Rows, sorted_once
from lianji.history.settings import HistorySettings
from lianji.history.sites import Sites
from lianji.history.tables import SAMPLES
from lianji.history.view.view import View

if TYPE_CHECKING:
    import duckdb

_COLUMNS = "tag, time, value, text, quality, site, day"


def run_sql(
    query: str,
    view: View,
    paths: Sequence[str],
    settings: HistorySettings,
    limit: int | None = None,
    seen: Collection[str] | None = None,
) -> pa.Table:
    """The answer as an Arrow table. The one table is ``samples``: tag, time, value, text,
    quality, site, day; what memory holds replaces what the files say of the same tag and time.

    With ``seen`` only rows of these tags can be reached, whatever the query tries: the database may
    open no file at all, and is handed nothing else.

    Raises InputError for a query that fails, takes too long or wants more than it may have.
    """
    import duckdb  # 16 MB that a plant which nobody asks in SQL need not carry

    with duckdb.connect(":memory:") as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"SET memory_limit = '{settings.sql_memory_mb}MB'")
        alarm = threading.Timer(settings.sql_timeout_s, database.interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            _prepare(database, view, paths, seen)
            answer: duckdb.DuckDBPyRelation | None = database.sql(query)  # None: no result
            if answer is None:
                return pa.table({})
            return (answer if limit is None else answer.limit(limit)).to_arrow_table()
        except duckdb.InterruptException as error:
            raise _failed(
                f"The query took longer than {settings.sql_timeout_s:g} s",
                f"查询超过 {settings.sql_timeout_s:g} 秒",
            ) from error
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise _failed(f"The query failed: {first}", f"查询失败：{first}") from error
        finally:
            alarm.cancel()


def _prepare(
    database: duckdb.DuckDBPyConnection,
    view: View,
    paths: Sequence[str],
    seen: Collection[str] | None,
) -> None:
    rows = sorted_once(Rows.concat([Rows.of_batch(batch) for batch in view.batches]))
    if seen is not None:
        may = np.fromiter((path in seen for path in paths), np.bool_, len(paths))
        rows = rows.take(may[rows.tag])
    database.register("memory", _with_day(rows, view.sites, paths))
    parts = [f"SELECT {_COLUMNS} FROM memory"]
    every = list(view.files)
    near = [one for one in every if not one.place.reads_ahead]
    whole = list(_whole(near, view))
    distant = [one for one in every if one.place.reads_ahead]
    if seen is not None:
        whole, distant = [], [*whole, *distant]
    listed = [f"{one.place.url}/{one.file.path}" for one in whole]
    if listed:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in listed)
        parts.append(
            f"SELECT {_COLUMNS} FROM read_parquet([{names}], hive_partitioning = true, "
            f"hive_types = {{'site': VARCHAR, 'day': DATE}}) AS file{_not_in_memory(rows, every)}"
        )
        database.execute(f"SET allowed_paths = [{names}]")
    if distant:
        database.register("distant", _dataset(view, distant, seen))
        parts.append(f"SELECT {_COLUMNS} FROM distant AS file{_not_in_memory(rows, every)}")
    database.execute("SET enable_external_access = false")
    database.execute("SET python_enable_replacements = false")
    database.execute(f"CREATE VIEW samples AS {' UNION ALL '.join(parts)}")
    database.execute("SET lock_configuration = true")


def _whole(files: Sequence[Stored], view: View) -> Iterator[Stored]:
    """Those that are there as they were written, as far as their size and end tell; the others are
    named among what cannot be read."""
    for one in files:
        problem = broken_end(Path(one.place.url) / one.file.path, one.file.bytes)
        if problem is None:
            view.unreadable.pop(one.file.path, None)
            yield one
        else:
            view.unreadable[one.file.path] = unreadable(one, problem)


def _not_in_memory(rows: Rows, files: Sequence[Stored]) -> str:
    """Memory came later than the files; where it may hold the same keys, theirs are left out."""
    if not len(rows) or int(rows.time_us.min()) > max(one.file.end_us for one in files):
        return ""
    return " ANTI JOIN memory ON memory.tag = file.tag AND memory.time = file.time"


def _dataset(view: View, files: Sequence[Stored], seen: Collection[str] | None) -> Any:
    """Files in a bucket, which DuckDB cannot open without an extension: Arrow reads them for it,
    by ranges, and only the columns, days and sites that the query wants. Of all files, where only
    some tags may be seen."""
    import pyarrow.dataset as ds  # whoever has no bucket need not carry it

    parquet = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions())
    fragments = []
    for one in files:
        try:
            source = one.place.open(one.file.path)
        except (StorageError, FileNotFoundError) as error:
            view.unreadable[one.file.path] = unreadable(one, error)
            continue
        day = ds.field("day") == pa.scalar(date.fromisoformat(one.file.period))
        where = (ds.field("site") == one.file.site) & day
        fragments.append(parquet.make_fragment(source, partition_expression=where))
    found = ds.FileSystemDataset(fragments, SAMPLES.schema, parquet)
    return (
        found
        if seen is None
        else found.filter(ds.field("tag").isin(pa.array(list(seen), pa.string())))
    )


def _with_day(rows: Rows, sites: Sites, paths: Sequence[str]) -> pa.Table:
    present, codes = np.unique(rows.tag, return_inverse=True)
    names = [paths[tag] for tag in present]
    each = pa.array(codes.astype(np.int32))
    tags = pa.DictionaryArray.from_arrays(each, pa.array(names, pa.string()))
    homes = pa.array([sites.of(name) for name in names], pa.string())
    time = pa.array(rows.time_us)
    return pa.table(
        {
            "tag": tags.cast(pa.string()),
            "time": time.view(TIME_TYPE),
            "value": pa.array(rows.value, mask=np.isnan(rows.value)),
            "text": rows.text,
            "quality": pa.array(rows.quality.astype(np.int32)),
            "site": homes.take(each),
            "day": time.view(TIME_TYPE).cast(pa.date32()),
        }
    )


def _failed(en: str, zh: str) -> InputError:
    return InputError(
        "sql-failed",
        Text(en + ".", zh + "。"),
        Text(
            "The one table is samples(tag, time, value, text, quality, site, day).",
            "唯一的表是 samples(tag, time, value, text, quality, site, day)。",
        ),
    )
