"""The sequence model beats the same hour of the last weeks, and a preempted training ends alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lianji.learn.checkpoint import Checkpointer
from lianji.learn.training import forecast, sequence
from lianji.learn.training.forecast import Spec
from lianji.learn.training.graph import runner
from lianji.learn.training.result import Trained
from lianji.learn.training.work import Stopped, Work
from tests.learn.training.in_memory import work_of
from tests.learn.training.test_forecast import shop_frozen

pytest.importorskip("torch")


def work(folder: Path) -> Work:
    spec = Spec(task="forecast", dataset="made", algorithm="sequence")
    return work_of(spec, shop_frozen(), folder)


class Preempting:
    """Progress that asks the training to stop whenever it has saved."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.seen: list[float] = []

    def __call__(self, done: float, of: float, **metrics: float) -> None:
        self.seen.append(done)
        self._stopping.set()


def preempted(folder: Path) -> Iterator[Trained | list[float]]:
    """Lives of one training, each stopped when it has saved; at last what it made."""
    for _ in range(100):
        stopping = threading.Event()
        progress = Preempting(stopping)
        given = work(folder)
        life = Work(given.name, given.spec, given.frozen, folder, progress, stopping, given.now_us)
        try:
            yield forecast.train(life)
            return
        except Stopped:
            yield progress.seen


def test_preempted_again_and_again_it_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "SAVE_STEPS", 7)
    whole = forecast.train(work(tmp_path / "whole"))
    *lives, last = preempted(tmp_path / "preempted")
    assert len(lives) >= 5
    assert isinstance(last, Trained)
    assert last.onnx == whole.onnx
    assert last.golden == whole.golden
    assert last.card == whole.card.model_copy(update={"cost": last.card.cost})
    saved = [
        Checkpointer(tmp_path / name / "checkpoints" / "model").restore()[0]["network"]
        for name in ("whole", "preempted")
    ]
    assert all(np.array_equal(saved[0][key], saved[1][key]) for key in saved[0])


def test_it_beats_the_last_weeks_and_its_graph_fits_its_golden_rows(tmp_path: Path) -> None:
    made = forecast.train(work(tmp_path))
    wape = made.metrics[0]
    assert wape.baseline is not None
    assert wape.value < wape.baseline
    rows = np.array(
        [[np.nan if one is None else one for one in row] for row in made.golden.inputs], np.float32
    )
    assert rows.shape[1] == len(made.card.inputs) == 86
    run = runner(made.onnx)
    np.testing.assert_allclose(run(rows), made.golden.outputs, rtol=made.golden.relative)
    np.testing.assert_allclose(run(rows[:1]), made.golden.outputs[:1], rtol=1e-5)


def test_the_graph_gives_what_torch_gives_also_without_some_days() -> None:
    from lianji.learn.training.sequence_network import DayByDay

    network = DayByDay(60.0, 50.0).eval()
    x = np.random.default_rng(1).uniform(0, 150, (9, 86)).astype(np.float32)
    x[:, 84], x[:, 85] = np.linspace(0, 23.75, 9), np.arange(9) % 7
    x[2, :30] = np.nan
    found = runner(sequence.exported(network))(x)[:, 0]
    np.testing.assert_allclose(found, sequence.foretold(network, x), rtol=1e-5)
