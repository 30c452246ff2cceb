"""InfluxDB 1.6 over HTTP: line protocol in, InfluxQL out as CSV.

It syncs its log before it answers. A sample is a value and a time: samples without a value are
left out, and quality there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.historian.feed import reading_lines, sample_lines
from bench.historian.http import Asker
from bench.historian.system import Answer, Series, Told, folder_bytes, rest
from bench.load import post_all
from bench.mixes import Block
from bench.rivals import influxdb

CONNECTIONS = 4
_WRITE = "/write?db=bench&precision=ms"
_CSV = {"Accept": "application/csv"}
_SETTLED_S_MAX = 180.0


class InfluxDB:
    name = "influxdb 1.6"
    yes = "yes after fsync of the log"
    note = "line protocol, ten fields a line, bodies of 100,000; no quality"
    is_server = True
    drops_repeated = True

    def __init__(self, folder: Path, paths: Sequence[str], *, whole_readings: bool = True) -> None:
        """``whole_readings``: a line for each reading; else a line and a series for each tag."""
        self.folder = folder
        self._whole_readings = whole_readings
        self._stack = ExitStack()
        self.server = self._stack.enter_context(influxdb(folder, settles_soon=True))
        self._asker = Asker(self.server.port)

    def prepared(self, block: Block, series: Series) -> list[bytes]:
        if self._whole_readings:
            return reading_lines(block, series.paths)
        return sample_lines(block, series.site, series.paths)

    def put(self, prepared: object) -> None:
        assert isinstance(prepared, list)
        post_all(self.server.port, _WRITE, prepared, CONNECTIONS)

    def flush(self) -> None:
        """What it said yes to is in its log; that becomes files as it grows or grows cold."""

    def rows(self) -> None:
        """Its rows are not counted: samples without a value never came here."""

    def settle(self) -> None:
        rest(self.folder, self.server.cpu_s, _SETTLED_S_MAX, quiet_s=12)

    def bytes(self) -> dict[str, int]:
        parts = {"samples": "data", "log": "wal"}
        return {what: folder_bytes(self.folder / name) for what, name in parts.items()}

    def memory_mb(self) -> float:
        return self.server.rss_max_mb()

    def close(self) -> None:
        self._asker.close()
        self._stack.close()

    # -- asked -----------------------------------------------------------------------------

    def _asked(self, query: str) -> pa.Table:
        asked = {"db": "bench", "epoch": "ms", "q": query}
        return self._asker.csv("/query", asked, headers=_CSV)

    def last(self, series: Series) -> Told:
        table = self._asked(f'select last(value) from "{series.site}" group by "tag"')
        return lambda: _by_tag(series, table)

    def at(self, series: Series, time_us: int) -> Told:
        table = self._asked(
            f'select last(value) from "{series.site}" where time <= {time_us // 1000}ms '
            'group by "tag"'
        )
        return lambda: _by_tag(series, table)

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        table = self._asked(
            f'select value from "{series.site}" where "tag" = \'{series.paths[place]}\' '
            f"and {_between(start_us, end_us)}"
        )
        times, values = table["time"].to_numpy() * 1000, table["value"].to_numpy()
        return lambda: Answer.of(times, values.astype(np.float64))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        width_us = (end_us - start_us) // pixels
        table = self._asked(
            f'select first(value), min(value), max(value), last(value) from "{series.site}" '
            f"where \"tag\" = '{series.paths[place]}' and {_between(start_us, end_us)} "
            f"group by {_buckets(start_us, width_us)} fill(none)"
        )
        names = ("first", "min", "max", "last")
        drawn = np.stack([table[name].to_numpy().astype(np.float64) for name in names], axis=1)
        pixel = (table["time"].to_numpy() * 1000 - start_us) // width_us
        return lambda: Answer.of(pixel, drawn)

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        tags = " or ".join(f"\"tag\" = '{series.paths[place]}'" for place in places)
        table = self._asked(
            f'select mean(value) from "{series.site}" where ({tags}) '
            f"and {_between(start_us, end_us)} "
            f'group by {_buckets(start_us, step_us)}, "tag" fill(none)'
        )

        def told() -> Answer:
            bucket = (table["time"].to_numpy() * 1000 - start_us) // step_us
            return Answer.of_buckets(_places(series, table), bucket, table["mean"].to_numpy())

        return told

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> None:
        """``integral`` knows nothing of the value that held when the bucket began."""


def _between(start_us: int, end_us: int) -> str:
    return f"time >= {start_us // 1000}ms and time < {end_us // 1000}ms"


def _buckets(start_us: int, step_us: int) -> str:
    """Buckets that begin at ``start_us``: without an offset they are counted from 1970."""
    return f"time({step_us // 1000}ms, {start_us % step_us // 1000}ms)"


def _by_tag(series: Series, table: pa.Table) -> Answer:
    return Answer.of(_places(series, table), table["last"].to_numpy().astype(np.float64))


def _places(series: Series, table: pa.Table) -> np.ndarray:
    """Of a column ``tags`` that reads ``tag=<path>``."""
    tags = table["tags"].combine_chunks().dictionary_encode()
    place = {f"tag={path}": place for place, path in enumerate(series.paths)}
    of_code = np.array([place[tag] for tag in tags.dictionary.to_pylist()], np.int64)
    return of_code[tags.indices.to_numpy()]
