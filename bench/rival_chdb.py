"""ClickHouse in this process (chdb): a MergeTree by tag and time, Arrow in, SQL out.

Inserts of a million samples become parts that nobody syncs, as shipped; ``durable`` has each part
synced before the insert returns. Once at rest all parts are merged into one. The codecs are the
smallest of those tried on the two mixes (for times also ZSTD alone, Delta, DoubleDelta, GCD with
DoubleDelta; for values LZ4, Gorilla, FPC, Delta).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.historian.system import Answer, Series, Told, folder_bytes, own_memory_mb
from bench.mixes import HOUR_US, Block
from bench.rival_duckdb import as_arrow, bucketed, by_tag, column, plotted

_TABLE = """
    create table bench.samples (
        tag UInt32 codec(ZSTD(1)),
        time DateTime64(6, 'UTC') codec(GCD, Delta, ZSTD(1)),
        value Nullable(Float64) codec(ZSTD(1)),
        quality UInt16 codec(ZSTD(1))
    ) engine = MergeTree order by (tag, time) settings {settings}
"""
_DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"
_AS_SHIPPED = "fsync_after_insert = 0"
_BETWEEN = (
    "time >= fromUnixTimestamp64Micro(toInt64({start})) "
    "and time < fromUnixTimestamp64Micro(toInt64({end}))"
)
_PLOT = (
    "select intDiv(toUnixTimestamp64Micro(time) - {start}, {width}) as pixel, "
    "argMin(value, time), min(value), max(value), argMax(value, time) from bench.samples "
    f"where tag = {{tag}} and {_BETWEEN} group by pixel order by pixel"
)
_MEANS = (
    "select tag, intDiv(toUnixTimestamp64Micro(time) - {start}, {step}) as bucket, avg(value) "
    f"from bench.samples where tag in ({{tags}}) and {_BETWEEN} "
    "group by tag, bucket order by tag, bucket"
)
_TIME_AVERAGES = f"""
    with held as (
        select tag, value, greatest(since, {{start}}) as since, until,
               intDiv(greatest(since, {{start}}) - {{start}}, {{step}}) as bucket
        from (
            select tag, value, toUnixTimestamp64Micro(time) as since,
                   leadInFrame(toUnixTimestamp64Micro(time), 1, toInt64({{end}})) over (
                       partition by tag order by time
                       rows between current row and 1 following) as until
            from bench.samples
            where tag in ({{tags}}) and {_BETWEEN.replace("{start}", "{before}")})
        where until > {{start}})
    select tag, slot, sum(value * span) / sum(span)
    from (
        select tag, value,
               arrayJoin(range(
                   toUInt64(bucket),
                   toUInt64(intDiv(until - 1 - {{start}}, {{step}}) + 1))) as slot,
               least(until, {{start}} + (slot + 1) * {{step}})
                   - greatest(since, {{start}} + slot * {{step}}) as span
        from held)
    group by tag, slot order by tag, slot
"""


class ClickHouse:
    yes = "yes before any fsync"
    note = "chdb, MergeTree ORDER BY (tag, time), Arrow inserts of 1,000,000, merged into one part"
    is_server = False
    drops_repeated = False

    def __init__(self, folder: Path, paths: Sequence[str], *, durable: bool = False) -> None:
        import chdb  # type: ignore[import-not-found]  # a rival: a fifth of a second, 200 MB
        from chdb.session import Session  # type: ignore[import-not-found]  # a rival

        self.name = f"chdb {chdb.__version__}"
        self.folder = folder
        self._session: Any = Session(str(folder))
        self._session.query("create database bench engine = Atomic")
        self._session.query(_TABLE.format(settings=_DURABLE if durable else _AS_SHIPPED))
        self._session.query(
            "create table bench.tags (id UInt32, path String) engine = MergeTree order by id"
        )
        names = pa.table({"id": pa.array(range(len(paths)), pa.uint32()), "path": list(paths)})
        self._insert("bench.tags", names)

    def _insert(self, into: str, coming: pa.Table) -> None:
        columns = ", ".join(coming.column_names)
        self._session.query(f"insert into {into} select {columns} from Python(coming)")

    def prepared(self, block: Block, series: Series) -> pa.Table:
        return as_arrow(block, series, pa.timestamp("us", "UTC"))

    def put(self, prepared: object) -> None:
        assert isinstance(prepared, pa.Table)
        self._insert("bench.samples", prepared)

    def flush(self) -> None:
        """An insert returns when its part is there."""

    def rows(self) -> int:
        return int(column(self._asked("select count() from bench.samples"), 0)[0])

    def settle(self) -> None:
        self._session.query("optimize table bench.samples final")

    def bytes(self) -> dict[str, int]:
        """Of active parts: those that were merged lie about for some minutes."""
        answer = self._session.query(
            "select sum(bytes_on_disk) from system.parts where active and database = 'bench'",
            "CSV",
        )
        return {"samples": int(str(answer).strip()), "folder": folder_bytes(self.folder)}

    def memory_mb(self) -> float:
        return own_memory_mb()

    def close(self) -> None:
        self._session.close()

    def _asked(self, query: str) -> pa.Table:
        return self._session.query(query, "arrowtable")

    def last(self, series: Series) -> Told:
        table = self._asked(
            "select tag, max(time), argMax(value, time) from bench.samples "
            f"where tag >= {series.first} and tag < {series.end} group by tag"
        )
        return lambda: by_tag(table, series)

    def at(self, series: Series, time_us: int) -> Told:
        table = self._asked(
            "select tag, max(time), argMax(value, time) from bench.samples "
            f"where tag >= {series.first} and tag < {series.end} "
            f"and time <= fromUnixTimestamp64Micro(toInt64({time_us})) group by tag"
        )
        return lambda: by_tag(table, series)

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        between = _BETWEEN.format(start=start_us, end=end_us)
        table = self._asked(
            "select toUnixTimestamp64Micro(time), value from bench.samples "
            f"where tag = {series.first + place} and {between} order by time"
        )
        return lambda: Answer.of(column(table, 0), column(table, 1))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        width = (end_us - start_us) // pixels
        tag = series.first + place
        table = self._asked(_PLOT.format(start=start_us, end=end_us, width=width, tag=tag))
        return lambda: plotted(table)

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        query = _MEANS.format(
            start=start_us, end=end_us, step=step_us, tags=_listed(series, places)
        )
        table = self._asked(query)
        return lambda: bucketed(table, series)

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        """What held at the start is looked for in the hour before it."""
        query = _TIME_AVERAGES.format(
            start=start_us,
            before=start_us - HOUR_US,
            end=end_us,
            step=step_us,
            tags=_listed(series, places),
        )
        table = self._asked(query)
        return lambda: bucketed(table, series)


def _listed(series: Series, places: Sequence[int]) -> str:
    return ", ".join(str(series.first + place) for place in places)
