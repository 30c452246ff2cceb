"""Lianji in this process: names, spool and a historian that follows it in its own thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.historian.system import (
    PLOTTED,
    Answer,
    Series,
    Told,
    family_cpu_s,
    folder_bytes,
    own_memory_mb,
    rest,
)
from bench.mixes import Block
from bench.plant import SITE
from lianji.base.errors import InputError
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.compaction.plan import SEALED
from lianji.history.delta.log import LOG
from lianji.history.historian import Historian
from lianji.history.upkeep import upkeep as upkeep_module
from lianji.node.memory import keep_memory_small
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

TIME_AVERAGE = "time_average2"
ROWS_A_BATCH = 100_000
ON_THE_WAY = 8
"""So many batches wait for their yes at once."""
YES_S_MAX = 120.0
FLUSH_S_MAX = 600.0
SETTLED_S_MAX = 600.0
QUIET_MINUTE_US = 61_000_000
UPKEEP_LOOKS_S = 7
"""Longer than upkeep pauses before it looks for work again."""


class Lianji:
    name = "lianji"
    yes = "yes after fsync"
    note = "Arrow batches of 100,000, settings as shipped"
    is_server = False
    drops_repeated = True

    def __init__(self, folder: Path, paths: Sequence[str], *, follow: bool = True) -> None:
        """``follow``: the historian takes from the spool by itself, as in a running plant."""
        keep_memory_small()  # as a running plant does
        self.folder = folder
        self.names = TagIds.open(folder / "tag-ids.tsv")
        self.names.ids_of(paths)
        settings = SpoolSettings(bytes_max=16 * 1024**3)
        self.spool = Spool(folder / "spool", settings, path_of=self.names.path_of)
        self.history = Historian(
            folder / "samples", SITE, self.spool, self.names, lambda path: False
        )
        if follow:
            self.history.start()
        self._on_the_way: deque[Future[int]] = deque()

    # -- fed -------------------------------------------------------------------------------

    def prepared(self, block: Block, series: Series) -> Sequence[Batch]:
        cuts = range(0, len(block), ROWS_A_BATCH)
        parts = [block.take(slice(at, at + ROWS_A_BATCH)) for at in cuts]
        return [
            Batch.of(part.tag + np.int32(series.first), part.time_us, part.value, part.quality)
            for part in parts
        ]

    def put(self, prepared: object) -> None:
        assert isinstance(prepared, list)
        for batch in prepared:
            self._on_the_way.append(self.spool.put(batch))
            while len(self._on_the_way) > ON_THE_WAY:
                self._on_the_way.popleft().result(YES_S_MAX)

    def flush(self) -> None:
        while self._on_the_way:
            self._on_the_way.popleft().result(YES_S_MAX)
        deadline = time.monotonic() + FLUSH_S_MAX
        while self.spool.status().lag["history"]:
            self.history.flush()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all in files within {FLUSH_S_MAX} s")

    def rows(self) -> int:
        return self.history.status().rows

    def settle(self) -> None:
        """As if a quiet minute were over, after which upkeep merges days of the past and rolls them
        up."""
        with _later(QUIET_MINUTE_US):
            rest(self.folder, family_cpu_s, SETTLED_S_MAX, quiet_s=UPKEEP_LOOKS_S)
        upkeep = self.history.upkeep
        left = sum(file.level != SEALED for file in upkeep.samples.files)
        if upkeep.error is not None or left:
            raise RuntimeError(f"not settled: {left} files are not merged ({upkeep.error})")

    def bytes(self) -> dict[str, int]:
        """By folder: ``samples``, ``modified``, the rollups, ``spool``. Files that merges replaced
        and that stay a day for readers of older versions are told apart."""
        found = {
            path.name: folder_bytes(path) for path in sorted(self.folder.iterdir()) if path.is_dir()
        }
        whole = found["samples"]
        found["samples"] = self.history.status().bytes + folder_bytes(self.folder / "samples" / LOG)
        return found | {"samples, replaced, gone after a day": whole - found["samples"]}

    def memory_mb(self) -> float:
        return own_memory_mb()

    def close(self) -> None:
        self.history.close()
        self.spool.close()

    # -- asked -----------------------------------------------------------------------------

    def last(self, series: Series) -> Told:
        table = self.history.last(series.paths)
        return lambda: by_tag(table)

    def at(self, series: Series, time_us: int) -> Told:
        table = self.history.at(series.paths, time_us)
        return lambda: by_tag(table)

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        table = self.history.read([series.paths[place]], start_us, end_us)
        return lambda: Answer.of(times_us(table), numbers(table, "value"))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        table = self.history.plot([series.paths[place]], start_us, end_us, pixels)
        return lambda: plotted(table, start_us, (end_us - start_us) // pixels)

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told:
        return self._aggregates("mean", series, places, start_us, end_us, step_us)

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told | None:
        try:
            return self._aggregates(TIME_AVERAGE, series, places, start_us, end_us, step_us)
        except InputError as error:
            if error.code == "aggregate-unknown":
                return None
            raise

    def _aggregates(
        self,
        function: str,
        series: Series,
        places: Sequence[int],
        start_us: int,
        end_us: int,
        step_us: int,
    ) -> Told:
        paths = [series.paths[place] for place in places]
        table = self.history.aggregate(paths, start_us, end_us, step_us, [function])
        asked = np.array(places)

        def told() -> Answer:
            bucket = (times_us(table) - start_us) // step_us
            return Answer.of_buckets(asked[codes(table)], bucket, numbers(table, function))

        return told


@contextmanager
def _later(by_us: int) -> Iterator[None]:
    """The clock by which upkeep decides what is old, ahead of time: nobody has to sit it out."""
    told = upkeep_module.now_us
    upkeep_module.now_us = lambda: told() + by_us
    try:
        yield
    finally:
        upkeep_module.now_us = told


def by_tag(table: pa.Table) -> Answer:
    return Answer.of(codes(table), numbers(table, "value"))


def codes(table: pa.Table) -> np.ndarray:
    return table.column("tag").combine_chunks().indices.to_numpy()


def times_us(table: pa.Table) -> np.ndarray:
    return table.column("time").cast(pa.int64()).to_numpy()


def numbers(table: pa.Table, name: str) -> np.ndarray:
    return table.column(name).to_numpy()


def plotted(table: pa.Table, start_us: int, width_us: int) -> Answer:
    """First, lowest, highest and last of the samples of each pixel."""
    pixel, value = (times_us(table) - start_us) // width_us, numbers(table, "value")
    starts = np.flatnonzero(np.append(len(pixel) > 0, pixel[1:] != pixel[:-1]))
    drawn = np.empty((len(starts), PLOTTED))
    drawn[:, 0], drawn[:, 3] = value[starts], value[np.append(starts[1:], len(value)) - 1]
    drawn[:, 1] = np.minimum.reduceat(value, starts)
    drawn[:, 2] = np.maximum.reduceat(value, starts)
    return Answer.of(pixel[starts], drawn)
