"""DuckDB with a table of its own, in this process: Arrow in, SQL out.

Every insert of a million samples is a transaction, synced when it is through. Once at rest the
table is written anew in the order of tag and time, which its owner would have to do by hand; sizes
and answers are those of that table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from bench.historian.system import Answer, Series, Told, folder_bytes, own_memory_mb
from bench.mixes import HOUR_US, Block

_PLOT = """
    select (epoch_us(time) - $start) // $width, arg_min(value, time), min(value), max(value),
           arg_max(value, time)
    from samples
    where tag = $tag and time >= make_timestamp($start) and time < make_timestamp($end)
    group by 1 order by 1
"""
_MEANS = """
    select tag, (epoch_us(time) - $start) // $step as bucket, avg(value)
    from samples
    where tag in (select unnest($tags)) and time >= make_timestamp($start)
          and time < make_timestamp($end)
    group by all order by all
"""
_TIME_AVERAGES = """
    with held as materialized (
        select tag, value, greatest(since, $start) as since, until,
               (greatest(since, $start) - $start) // $step as bucket
        from (
            select tag, value, epoch_us(time) as since,
                   lead(epoch_us(time), 1, $end) over (partition by tag order by time) as until
            from samples
            where tag in (select unnest($tags)) and time >= make_timestamp($before)
                  and time < make_timestamp($end))
        where until > $start),
    parts as (
        select tag, bucket, value, least(until, $start + (bucket + 1) * $step) - since as span
        from held
        union all
        select tag, bucket, value,
               least(until, $start + (bucket + 1) * $step) - ($start + bucket * $step) as span
        from (
            select tag, value, until,
                   unnest(range(bucket + 1, (until - 1 - $start) // $step + 1)) as bucket
            from held where until > $start + (bucket + 1) * $step))
    select tag, bucket, sum(value * span) / sum(span) from parts group by all order by all
"""


class DuckDB:
    name = f"duckdb {duckdb.__version__}"
    yes = "yes after fsync of the log"
    note = "native table, Arrow inserts of 1,000,000; sorted by hand once at rest"
    is_server = False
    drops_repeated = False

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        self.folder = folder
        self._file = folder / "samples.duckdb"
        self._open()
        self.database.execute(
            "create table samples (tag uinteger, time timestamp, value double, quality usmallint)"
        )
        names = pa.table({"id": pa.array(range(len(paths)), pa.uint32()), "path": list(paths)})
        self.database.register("names", names)
        self.database.execute("create table tags as select * from names")
        self.database.unregister("names")

    def _open(self) -> None:
        self.database = duckdb.connect(str(self._file))
        self.database.execute("set TimeZone = 'UTC'")

    def prepared(self, block: Block, series: Series) -> pa.Table:
        return as_arrow(block, series, pa.timestamp("us"))

    def put(self, prepared: object) -> None:
        self.database.register("coming", prepared)
        self.database.execute("insert into samples select * from coming")
        self.database.unregister("coming")

    def flush(self) -> None:
        self.database.execute("checkpoint")

    def rows(self) -> int:
        return int(column(self._asked("select count(*) from samples"), 0)[0])

    def settle(self) -> None:
        """A file of its own, since what a table leaves behind in a file stays in it."""
        sorted_file = self.folder / "sorted.duckdb"
        self.database.execute(f"attach '{sorted_file}' as fresh")
        self.database.execute("create table fresh.tags as select * from tags")
        self.database.execute(
            "create table fresh.samples as select * from samples order by tag, time"
        )
        self.database.close()
        sorted_file.replace(self._file)
        self._open()

    def bytes(self) -> dict[str, int]:
        return {"samples": folder_bytes(self.folder)}

    def memory_mb(self) -> float:
        return own_memory_mb()

    def close(self) -> None:
        self.database.close()

    def _asked(self, query: str, **given: object) -> pa.Table:
        return self.database.sql(query, params=given).to_arrow_table()

    def last(self, series: Series) -> Told:
        table = self._asked(
            "select tag, max(time), arg_max(value, time) from samples "
            "where tag >= $first and tag < $end group by tag",
            first=series.first,
            end=series.end,
        )
        return lambda: by_tag(table, series)

    def at(self, series: Series, time_us: int) -> Told:
        table = self._asked(
            "select tag, max(time), arg_max(value, time) from samples where tag >= $first "
            "and tag < $end and time <= make_timestamp($at) group by tag",
            first=series.first,
            end=series.end,
            at=time_us,
        )
        return lambda: by_tag(table, series)

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        table = self._asked(
            "select epoch_us(time), value from samples where tag = $tag and "
            "time >= make_timestamp($start) and time < make_timestamp($end) order by time",
            tag=series.first + place,
            start=start_us,
            end=end_us,
        )
        return lambda: Answer.of(column(table, 0), column(table, 1))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        width = (end_us - start_us) // pixels
        tag = series.first + place
        table = self._asked(_PLOT, start=start_us, end=end_us, width=width, tag=tag)
        return lambda: plotted(table)

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        tags = [series.first + place for place in places]
        table = self._asked(_MEANS, start=start_us, end=end_us, step=step_us, tags=tags)
        return lambda: bucketed(table, series)

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        """What held at the start is looked for in the hour before it."""
        tags = [series.first + place for place in places]
        table = self._asked(
            _TIME_AVERAGES,
            start=start_us,
            end=end_us,
            step=step_us,
            tags=tags,
            before=start_us - HOUR_US,
        )
        return lambda: bucketed(table, series)


def as_arrow(block: Block, series: Series, time_type: pa.DataType) -> pa.Table:
    """A block as a table of tag id, time, value (null where there is none) and quality."""
    missing = np.isnan(block.value)
    return pa.table(
        {
            "tag": (block.tag + series.first).astype(np.uint32),
            "time": pa.array(block.time_us).view(time_type),
            "value": pa.array(block.value, mask=missing if missing.any() else None),
            "quality": block.quality,
        }
    )


def column(table: pa.Table, number: int) -> np.ndarray:
    return np.asarray(table.column(number).combine_chunks().to_numpy(zero_copy_only=False))


def by_tag(table: pa.Table, series: Series) -> Answer:
    """Of columns tag, time, value."""
    return Answer.of(column(table, 0).astype(np.int64) - series.first, column(table, 2))


def bucketed(table: pa.Table, series: Series) -> Answer:
    """Of columns tag, bucket, value."""
    tag = column(table, 0).astype(np.int64) - series.first
    return Answer.of_buckets(tag, column(table, 1), column(table, 2))


def plotted(table: pa.Table) -> Answer:
    """Of columns pixel, first, lowest, highest, last."""
    drawn = np.stack([column(table, number) for number in range(1, 5)], axis=1)
    return Answer.of(column(table, 0), drawn)
