"""What the trace costs: one mark, all marks of a batch, and folding them into the histograms."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from bench.harness import Row
from lianji.trace.marks import Marks, Stage
from lianji.trace.stages import Stages

MARKS = 200_000
ROUNDS = 9
BATCHES = 1000
_WAY = (Stage.READ, Stage.DECODE, Stage.SPOOL, Stage.FLUSH, Stage.COMMIT)


def run() -> list[Row]:
    stages = Stages()
    return [
        Row("one mark", _ns(_marks, MARKS), "ns", goal="< 500 ns"),
        Row("a batch's marks, five stages", _ns(_batches, BATCHES), "ns", goal="< 2,500 ns"),
        Row("folding, a batch of 1,000", _ns(lambda n: _fold(stages, n), BATCHES), "ns"),
        Row("folding, a batch alone", _ns(lambda n: _fold_alone(stages, n), BATCHES), "ns"),
    ]


def _ns(work: Callable[[int], float], times: int) -> float:
    """Nanoseconds of each of ``times``, the median of several rounds."""
    return median(work(times) / times for _ in range(ROUNDS))


def _marks(times: int) -> float:
    """As a stage marks: with a list that does not grow without end, and a clock read each."""
    marks = Marks()
    started = time.thread_time_ns()
    for number in range(times):
        marks.add(Stage.SPOOL, 0, 0)
        if number % 64 == 0:
            marks.clear()
    return time.thread_time_ns() - started


def _batches(times: int) -> float:
    started = time.thread_time_ns()
    for _ in range(times):
        _marked()
    return time.thread_time_ns() - started


def _marked() -> Marks:
    marks = Marks()
    now = time.monotonic_ns()
    for stage in _WAY:
        now = marks.add(stage, now, now)
    return marks


def _fold(stages: Stages, times: int) -> float:
    every = [_marked() for _ in range(times)]
    started = time.thread_time_ns()
    stages.fold(every)
    return time.thread_time_ns() - started


def _fold_alone(stages: Stages, times: int) -> float:
    every = [_marked() for _ in range(times)]
    started = time.thread_time_ns()
    for one in every:
        stages.fold([one])
    return time.thread_time_ns() - started
