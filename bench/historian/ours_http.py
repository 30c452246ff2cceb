"""Lianji as a plant runs it, asked over HTTP for Arrow. ``flush_s`` is short, so that what is sent
is soon in files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.historian.http import Asker
from bench.historian.ours import (
    TIME_AVERAGE,
    by_tag,
    codes,
    numbers,
    plotted,
    times_us,
)
from bench.historian.system import Answer, Series, Told
from bench.mixes import Block
from bench.plant import lianji_run, wait_for, write_plant
from lianji.dictionary.batch import TIME_TYPE

START_S_MAX = 60.0
FLUSH_S = 2


class LianjiHttp:
    name = "lianji over HTTP"
    yes = "yes after fsync"

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        self.folder = folder
        self._stack = ExitStack()
        write_plant(folder, [], 0, extra=f"[history]\nflush_s = {FLUSH_S}\n")
        held = "".join(f"{path},step\n" for path in paths)  # as every rival holds values
        (folder / "tags" / "pushed.csv").write_text(f"path,kind\n{held}")
        self.server = self._stack.enter_context(lianji_run(folder))
        wait_for(lambda: self.server.get("/api/status"), START_S_MAX, "the plant")
        self._asker = Asker(self.server.port)

    def memory_mb(self) -> float:
        return self.server.rss_max_mb()

    def close(self) -> None:
        self._asker.close()
        self._stack.close()

    # -- asked -----------------------------------------------------------------------------

    def _asked(self, path: str, **asked: object) -> pa.Table:
        texts = {name: str(value) for name, value in asked.items()} | {"format": "arrow"}
        with pa.ipc.open_stream(io.BytesIO(self._asker.text(f"/api/{path}", texts))) as stream:
            return stream.read_all()

    def last(self, series: Series) -> Told:
        table = self._asked("last", tags=f"{series.site}/*")
        return lambda: by_tag(_placed(table, series))

    def at(self, series: Series, time_us: int) -> Told:
        table = self._asked("at", tags=f"{series.site}/*", time=time_us)
        return lambda: by_tag(_placed(table, series))

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told:
        table = self._asked("read", tags=series.paths[place], start=start_us, end=end_us)
        return lambda: Answer.of(times_us(table), numbers(table, "value"))

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told:
        tag = series.paths[place]
        table = self._asked("plot", tags=tag, start=start_us, end=end_us, pixels=pixels)
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
        except RuntimeError as error:
            if "aggregate-unknown" in str(error):
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
        table = self._asked(
            "aggregate",
            tags=",".join(series.paths[place] for place in places),
            start=start_us,
            end=end_us,
            step=f"{step_us // 1_000_000}s",
            functions=function,
        )

        def told() -> Answer:
            placed = _placed(table, series)
            bucket = (times_us(placed) - start_us) // step_us
            return Answer.of_buckets(codes(placed), bucket, numbers(placed, function))

        return told


def body_of(block: Block, series: Series) -> bytes:
    tag = pa.DictionaryArray.from_arrays(pa.array(block.tag), pa.array(series.paths))
    missing = np.isnan(block.value)
    table = pa.table(
        {
            "tag": tag,
            "time": pa.array(block.time_us).view(TIME_TYPE),
            "value": pa.array(block.value, mask=missing if missing.any() else None),
            "quality": block.quality,
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _placed(table: pa.Table, series: Series) -> pa.Table:
    """With places in the series as the codes of the tags."""
    place = {path: place for place, path in enumerate(series.paths)}
    tag = table.column("tag").combine_chunks()
    if not pa.types.is_dictionary(tag.type):
        tag = tag.dictionary_encode()
    of_code = np.array([place[path] for path in tag.dictionary.to_pylist()], np.int32)
    placed = pa.DictionaryArray.from_arrays(
        pa.array(of_code[tag.indices.to_numpy()]), pa.array(series.paths)
    )
    return table.set_column(table.column_names.index("tag"), "tag", placed)
