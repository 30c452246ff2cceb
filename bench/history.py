"""The historian alone: from spool to durable table, bytes a sample, how long answers take.

A plant of 1,000 tags over 10,000 seconds, five kinds of signal with one to three decimals, comes
as it does in life: all tags, second by second, in batches of 100,000. Answers are asked of the
flushed table, each of another tag, and told as p50 with p95 beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.harness import Row, work_folder
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.history.settings import HistorySettings
from lianji.spool.spool import Spool

TAGS = 1000
SECONDS = 10_000
SECONDS_A_BATCH = 100
BATCHES_A_FLUSH = 10
FIRST_US = 1_767_225_600_000_000
END_US = FIRST_US + SECONDS * 1_000_000
QUESTIONS = 40


def signals() -> NDArray[np.float64]:
    """Values, shape (seconds, tags): a fifth of the tags each of five kinds."""
    draw = np.random.default_rng(7)
    second = np.arange(SECONDS)[:, None]
    some = TAGS // 5
    phase = draw.uniform(0, 2 * np.pi, some)
    power = 40 + 20 * np.sin(second / 300 + phase) + draw.normal(0, 0.5, (SECONDS, some))
    climate = 22 + np.cumsum(draw.normal(0, 0.02, (SECONDS, some)), axis=0)
    setpoint = np.repeat(draw.uniform(0, 200, (SECONDS // 500, some)), 500, axis=0)
    counter = np.cumsum(draw.integers(0, 2, (SECONDS, some)), axis=0)
    pressure = 7 + 0.4 * np.sin(second / 40 + phase) + draw.normal(0, 0.01, (SECONDS, some))
    kinds = [power.round(1), climate.round(2), setpoint.round(1), counter, pressure.round(3)]
    return np.ascontiguousarray(np.concatenate(kinds, axis=1))


class Rooms:
    """Names, spool and historian of a fresh folder."""

    def __init__(self, folder: Path) -> None:
        self.names = TagIds.open(folder / "tag-ids.tsv")
        self.paths = [f"plant/line{n // 100}/machine{n // 10}/signal{n % 10}" for n in range(TAGS)]
        self.ids = self.names.ids_of(self.paths)
        self.spool = Spool(folder / "spool", path_of=self.names.path_of)
        settings = HistorySettings(flush_rows=20_000_000)
        self.history = Historian(
            folder / "samples", "plant", self.spool, self.names, lambda path: True, settings
        )

    def close(self) -> None:
        self.history.close()
        self.spool.close()


def run() -> list[Row]:
    with work_folder() as folder:
        rooms = Rooms(folder)
        try:
            return [*_flush_rows(rooms), *_answer_rows(rooms)]
        finally:
            rooms.close()


def _flush_rows(rooms: Rooms) -> list[Row]:
    values = signals()
    flush_s, flush_cpu_s, rest_s = 0.0, 0.0, []
    for first in range(0, SECONDS, SECONDS_A_BATCH * BATCHES_A_FLUSH):
        _put(rooms, values, first)
        started, cpu = time.perf_counter(), time.process_time()
        rooms.history.flush()
        rest_s.append(time.perf_counter() - started)
        flush_cpu_s += time.process_time() - cpu
        flush_s += rest_s[-1]
    status = rooms.history.status()
    if status.rows != values.size:
        raise RuntimeError(f"{status.rows} rows in the table of {values.size}")
    note = f"{flush_cpu_s / values.size * 1e9:.0f} ns of processor a sample"
    return [
        Row("flush a million: sort, write, fsync, commit", values.size / flush_s, "samples/s",
            note=note),
        Row("bytes a sample in the table", status.bytes / status.rows, "B", goal="< 1"),
        Row("bytes a sample in the spool", rooms.spool.status().bytes / status.rows, "B"),
    ]  # fmt: skip


def _put(rooms: Rooms, values: NDArray[np.float64], first: int) -> None:
    answers = []
    for start in range(first, first + SECONDS_A_BATCH * BATCHES_A_FLUSH, SECONDS_A_BATCH):
        part = values[start : start + SECONDS_A_BATCH]
        times = FIRST_US + np.repeat(np.arange(start, start + len(part)), TAGS) * 1_000_000
        batch = Batch.of(np.tile(rooms.ids, len(part)), times, part.ravel())
        answers.append(rooms.spool.put(batch))
    for answer in answers:
        answer.result(60)


def _answer_rows(rooms: Rooms) -> list[Row]:
    history, paths = rooms.history, rooms.paths

    def some(number: int, count: int) -> list[str]:
        return [paths[(number * 37 + step * 101) % TAGS] for step in range(count)]

    hour, middle = 3_600_000_000, FIRST_US + SECONDS * 500_000
    query = (
        "select time_bucket(interval 1 minute, time) as minute, avg(value) from samples "
        "where tag = '{}' group by minute order by minute"
    )
    questions: dict[str, Callable[[int], object]] = {
        "last, one tag": lambda n: history.last(some(n, 1)),
        "last, 1,000 tags": lambda n: history.last(paths),
        "read, one tag, an hour": lambda n: history.read(some(n, 1), middle - hour, middle),
        "read, one tag, all 10,000": lambda n: history.read(some(n, 1), FIRST_US, END_US),
        "read, 100 tags, a minute": lambda n: history.read(
            some(n, 100), middle, middle + 60_000_000
        ),
        "at, 100 tags": lambda n: history.at(some(n, 100), middle + n),
        "plot, one tag, 1,000 pixels": lambda n: history.plot(some(n, 1), FIRST_US, END_US, 1000),
        "plot, 8 tags, 1,000 pixels": lambda n: history.plot(some(n, 8), FIRST_US, END_US, 1000),
        "aggregate, one tag, minutes": lambda n: history.aggregate(
            some(n, 1), FIRST_US, END_US, 60_000_000
        ),
        "sql, one tag, minutes": lambda n: history.sql(query.format(some(n, 1)[0])),
    }
    return [_timed(measure, ask) for measure, ask in questions.items()]


def _timed(measure: str, ask: Callable[[int], object]) -> Row:
    times = []
    for number in range(QUESTIONS):
        started = time.perf_counter()
        ask(number)
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return Row(
        measure, times[QUESTIONS // 2], "ms", note=f"p95 {times[QUESTIONS * 95 // 100]:.1f} ms"
    )
