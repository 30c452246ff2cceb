"""VictoriaMetrics over HTTP: JSON lines in by ``/api/v1/import``, MetricsQL out.

Of the ways in that a client can make bodies for, JSON lines are the fastest here (its native format
is what only another VictoriaMetrics exports); the suite measures line protocol beside it. A sample
is a value and a time in ms: samples without a value are left out, and quality there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bench.historian.feed import json_lines, reading_lines
from bench.historian.http import Asker
from bench.historian.system import PLOTTED, Answer, Series, Told, folder_bytes, rest
from bench.load import post_all
from bench.mixes import Block
from bench.rivals import answers, victoria_metrics

CONNECTIONS = 4
_OF_A_PIXEL = ("first_over_time", "min_over_time", "max_over_time", "last_over_time")
_LOOKED_BACK = "1d"
"""No machine here is silent for so long, so a last value is never missed."""


class VictoriaMetrics:
    name = "victoria-metrics"
    yes = "yes before any fsync"
    note = "/api/v1/import of JSON lines, 1,000,000 samples in 4 bodies; no quality"
    is_server = True
    drops_repeated = False

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self.server = self._stack.enter_context(victoria_metrics(folder))
        self._asker = Asker(self.server.port)

    def prepared(self, block: Block, series: Series) -> list[bytes]:
        return json_lines(block, series.site, series.paths, CONNECTIONS)

    def put(self, prepared: object) -> None:
        assert isinstance(prepared, list)
        post_all(self.server.port, "/api/v1/import", prepared, CONNECTIONS)

    def flush(self) -> None:
        self._do("/internal/force_flush")

    def rows(self) -> None:
        """Its rows are not counted: samples without a value never came here."""

    def settle(self) -> None:
        self._do("/internal/force_merge")
        rest(self.folder, self.server.cpu_s)

    def _do(self, path: str) -> None:
        if not answers(self.server.port, path):
            raise RuntimeError(f"VictoriaMetrics did not do {path}")

    def bytes(self) -> dict[str, int]:
        return {"samples": folder_bytes(self.folder)}

    def memory_mb(self) -> float:
        return self.server.rss_max_mb()

    def close(self) -> None:
        self._asker.close()
        self._stack.close()

    # -- asked -----------------------------------------------------------------------------

    def last(self, series: Series) -> Told:
        return self.at(series, 0)

    def at(self, series: Series, time_us: int) -> Told:
        """``time_us`` 0 asks for what is the last of all."""
        query = f"last_over_time({series.site}[{_LOOKED_BACK}])"
        asked = {"query": query, "nocache": "1", "time": str(self._now_s(series, time_us))}
        found = self._asker.json("/api/v1/query", asked)["data"]["result"]
        tags = [one["metric"]["tag"] for one in found]
        values = np.array([float(one["value"][1]) for one in found])
        return lambda: Answer.of(_places(series, tags), values)

    def _now_s(self, series: Series, time_us: int) -> float:
        return time_us / 1e6 if time_us else series.until_us / 1e6

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        asked = {
            "match[]": f'{series.site}{{tag="{series.paths[place]}"}}',
            "format": "__timestamp__:unix_ms,__value__",
            "start": str(start_us / 1e6),
            "end": str(end_us / 1e6 - 0.001),
        }
        table = self._asker.csv("/api/v1/export/csv", asked, ["ms", "value"])
        times, values = table["ms"].to_numpy() * 1000, table["value"].to_numpy()
        return lambda: Answer.of(times, values.astype(np.float64))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        """All four of a pixel in one pass over its samples."""
        width_us = (end_us - start_us) // pixels
        names = ",".join(f'"{name}"' for name in _OF_A_PIXEL)
        of = f'{series.site}{{tag="{series.paths[place]}"}}[{width_us / 1e6:g}s]'
        lines = self._range(f"aggr_over_time(({names}), {of})", start_us, end_us, width_us)

        def told() -> Answer:
            drawn = np.full((pixels, PLOTTED), np.nan)
            for line in lines:
                which = _OF_A_PIXEL.index(line["metric"]["rollup"])
                bucket, values = _buckets(line, start_us, width_us)
                drawn[bucket, which] = values
            known = np.flatnonzero(~np.isnan(drawn[:, 0]))
            return Answer.of(known, drawn[known])

        return told

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        tags = "|".join(series.paths[place] for place in places)
        query = f'avg_over_time({series.site}{{tag=~"{tags}"}}[{step_us / 1e6:g}s])'
        lines = self._range(query, start_us, end_us, step_us)

        def told() -> Answer:
            found = [_buckets(line, start_us, step_us) for line in lines]
            place = _places(series, [line["metric"]["tag"] for line in lines])
            return Answer.of_buckets(
                np.repeat(place, [len(bucket) for bucket, _ in found]),
                np.concatenate([bucket for bucket, _ in found]),
                np.concatenate([values for _, values in found]),
            )

        return told

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> None:
        """``integrate`` knows nothing of the value that held when the bucket began."""

    def _range(self, query: str, start_us: int, end_us: int, step_us: int) -> list[Any]:
        """Each step looks back over (t - step, t], so asked a millisecond before its end it sees
        what lies in [t - step, t)."""
        asked = {
            "query": query,
            "start": str((start_us + step_us) / 1e6 - 0.001),
            "end": str(end_us / 1e6 - 0.001),
            "step": f"{step_us / 1e6:g}s",
            "nocache": "1",
        }
        answer = self._asker.json("/api/v1/query_range", asked)
        lines: list[Any] = answer["data"]["result"]
        for line in lines:  # a client has numbers, not their texts
            line["values"] = np.array(line["values"], dtype=np.float64)
        return lines


class VictoriaMetricsLines(VictoriaMetrics):
    """The same, fed with line protocol: to see which way in is the faster one. Not to be asked."""

    name = "victoria-metrics, lines"
    note = "/write of line protocol, ten fields a line, bodies of 100,000; no quality"

    def prepared(self, block: Block, series: Series) -> list[bytes]:
        return reading_lines(block, series.paths)

    def put(self, prepared: object) -> None:
        assert isinstance(prepared, list)
        post_all(self.server.port, "/write?precision=ms", prepared, CONNECTIONS)


def _buckets(line: dict[str, Any], start_us: int, step_us: int) -> tuple[np.ndarray, np.ndarray]:
    ends_us = np.rint(line["values"][:, 0] * 1e6).astype(np.int64)
    return (ends_us - start_us) // step_us, line["values"][:, 1]


def _places(series: Series, tags: Sequence[str]) -> np.ndarray:
    place = {path: place for place, path in enumerate(series.paths)}
    return np.array([place[tag] for tag in tags], np.int64)
