"""What models cost beside the machines: shares of one core, and a replay of a year.

A plant's runtime over the real history in memory, clocked as fast as it goes: each simulated second
new samples of every input come, each model of 50 inputs runs, and what it gives out is stored. The
share is the processor's time over the simulated seconds. The rival is ONNX Runtime alone, called
with ready rows.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np

from bench.harness import Row, work_folder
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.history.settings import HistorySettings
from lianji.learn.deployment.replay import replay
from lianji.learn.deployment.running import RunningModel
from lianji.learn.deployment.runtime import Runtime
from lianji.learn.deployment.stages import Stage
from lianji.learn.models.card import Card
from lianji.learn.models.inference import Model
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool
from tests.learn.deployment.models import FOREVER_US, START_US, MemoryHistory, bundle, linear

INPUTS = 50
SECONDS = 60
YEAR = 8_760


def run() -> list[Row]:
    one, hundred = _share(1), _share(100)
    windowed = _share(1, aggregate="mean")
    graph = _graph_alone(1)
    rows, seconds = _replayed()
    return [
        Row(f"one model, {INPUTS} inputs, 1 Hz", 100 * one, "% core", "ONNX Runtime alone",
            100 * graph, None, "< 1 %"),
        Row(f"100 models, {INPUTS} inputs each, 1 Hz", 100 * hundred, "% core",
            "ONNX Runtime alone", 100 * _graph_alone(100), None, "< 30 %"),
        Row("one model, means over 60 s", 100 * windowed, "% core"),
        Row("replay of a year, hourly, late labels", seconds, "s", note=f"{rows:,} runs"),
    ]  # fmt: skip


def _card(number: int, aggregate: str = "last") -> Card:
    window = 0 if aggregate == "last" else 60
    inputs = [
        {"name": f"x{i}", "tag": f"plant/m{number}/x{i}", "low": -9, "high": 9,
         "aggregate": aggregate, "window_s": window}
        for i in range(INPUTS)
    ]  # fmt: skip
    outputs = [{"name": "y", "tag": f"plant/soft/y{number}", "half_width": 1.0}]
    return Card.model_validate({
        "name": f"m{number}", "version": 1, "task": "regression", "algorithm": "linear",
        "inputs": inputs, "outputs": outputs, "period_s": 1, "created_us": 0,
        "expires_us": FOREVER_US,
    })  # fmt: skip


def _share(models: int, aggregate: str = "last") -> float:
    """Of one core, at one run a second of each."""
    with work_folder() as folder:
        return asyncio.run(_spent(folder, [_card(n, aggregate) for n in range(models)])) / SECONDS


async def _spent(folder: Path, cards: list[Card]) -> float:
    """Processor seconds of steps and of storing what they gave; new samples come in between."""
    names = TagIds.open(folder / "tag-ids.tsv")
    spool = Spool(folder / "spool", SpoolSettings(), names.path_of)
    settings = HistorySettings(flush_s=3600)
    history = Historian(folder / "samples", "plant", spool, names, lambda path: True, settings)
    paths = [one.tag for card in cards for one in card.inputs]
    ids = names.ids_of(paths)
    runtime = Runtime(history, lambda path: names.find(path) is not None)
    for card in cards:
        runtime.put(RunningModel(card, Model.open(bundle(card)), "plant", Stage.ACTIVE, True))
    random, spent = np.random.default_rng(1), 0.0
    try:
        for second in range(SECONDS):
            now = START_US + second * 1_000_000
            times = np.full(len(ids), now)
            await spool.append(Batch.of(ids, times, random.normal(size=len(ids)), None, None))
            history.last(paths[:1])  # what devices bring is not the models' cost
            started = time.process_time()
            stepped = runtime.step(now)
            assert np.isfinite(stepped.values).sum() == 3 * len(cards)
            out = names.ids_of(stepped.paths)
            await spool.append(
                Batch.of(out, stepped.times_us, stepped.values, stepped.quality, None)
            )
            spent += time.process_time() - started
    finally:
        history.close()
        spool.close()
    return spent


def _graph_alone(models: int) -> float:
    model = Model.open(bundle(_card(0)))
    row = np.zeros((1, INPUTS), np.float32)
    started = time.process_time()
    for _ in range(SECONDS * models):
        model.run(row)
    return (time.process_time() - started) / SECONDS


def _replayed() -> tuple[int, float]:
    memory = MemoryHistory()
    hour = 3_600_000_000
    times = START_US + np.arange(YEAR) * hour
    random = np.random.default_rng(2)
    x = random.normal(size=(YEAR, 2))
    memory.put({"plant/temperature": x[:, 0]}, times)
    memory.put({"plant/flow": x[:, 1], "plant/lab": 2 * x[:, 0] + x[:, 1] + 3}, times)
    card = Card.model_validate({
        "name": "y", "version": 1, "task": "regression", "algorithm": "linear", "period_s": 3600,
        "inputs": [{"name": n, "tag": f"plant/{n}", "low": -9, "high": 9}
                   for n in ("temperature", "flow")],
        "outputs": [{"name": "y", "tag": "plant/soft/y", "label": "plant/lab",
                     "label_delay_s": 86_400, "half_width": 1.0}],
        "correction": {"forgetting": 0.95, "limit": 10}, "created_us": 0, "expires_us": FOREVER_US,
    })  # fmt: skip
    model = Model.open(bundle(card, onnx=linear([[2.0], [1.0]], [0.0])))
    started = time.perf_counter()
    found = replay(card, model, memory.history, START_US, START_US + YEAR * hour, memory.heard)
    return found.runs, time.perf_counter() - started
