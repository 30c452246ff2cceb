"""Anomaly detector and forecasts of load on real data, beside their baselines, and the cost.

SKAB: 34 experiments on a water loop, the first 400 rows of each to learn from, figures of all other
rows together. Loads: a year of quarter hours, three quarters to learn from, a day ahead. The same
tests hold the figures; data sets that are not here are skipped by name.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.harness import Row
from lianji.learn.models.card import Card
from lianji.learn.training import forecast
from lianji.learn.training.forecast import Spec
from lianji.learn.training.frozen import Frozen
from lianji.learn.training.graph import runner
from lianji.learn.training.graphs import limits_graph
from tests.learn.training.in_memory import work_of
from tests.learn.training.test_forecast import profile, steel
from tests.learn.training.test_skab import figures

RUNS = 2000
LOADS: dict[str, tuple[Callable[[], Frozen], float]] = {
    "steel works": (steel, 0),
    "electroplating": (lambda: profile("LP_G_G", "2016-12-31T23:00:00Z"), 1),
    "furniture store": (lambda: profile("LP_G_MH", "2014-12-31T23:00:00Z"), 1),
}
"""Rows by UTC, and local time less UTC in hours."""
GOALS = {("steel works", "lightgbm"): "< 0.367"}


def run() -> list[Row]:
    rows = _skab()
    for name, (load, offset_h) in LOADS.items():
        for algorithm in ("lightgbm", "sequence"):
            rows += _forecast(name, load(), algorithm, offset_h)
    return rows


def _skab() -> list[Row]:
    began_s = time.perf_counter()
    found = figures()
    took_s = time.perf_counter() - began_s
    ours, ewma, on = (found[name] for name in ("ours", "ewma", "on"))

    def row(what: str, key: str, rival: str, rivals: dict[str, float], goal: str) -> Row:
        value, other = ours[key], rivals[key]
        better = value / other if key == "f1" else other / value
        return Row(f"SKAB, {what}", value, "", rival, other, better, goal)

    smooth = "EWMA, Mahalanobis"
    return [
        row("F1", "f1", smooth, ewma, ">= 0.85"),
        row("F1", "f1", "always on", on, ""),
        row("false alarm rate", "far", smooth, ewma, "<= 0.15"),
        row("missed alarm rate", "mar", smooth, ewma, ""),
        Row("SKAB, learn and judge 34 files", took_s, "s", note="both rivals with it"),
        Row("50 signals, 3 windows, one run", _run_us(), "us", note="ONNX Runtime, one row"),
    ]


def _run_us() -> float:
    """The median."""
    run = runner(limits_graph(np.zeros(50), np.ones((50, 3))))
    x = np.ones((1, 150), np.float32)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run(x)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1e6


def _forecast(name: str, frozen: Frozen, algorithm: str, offset_h: float) -> list[Row]:
    spec = Spec.model_validate(
        {"task": "forecast", "dataset": "made", "algorithm": algorithm, "utc_offset_h": offset_h}
    )
    with tempfile.TemporaryDirectory() as folder:
        card: Card = forecast.train(work_of(spec, frozen, Path(folder))).card
    wape, coverage = card.metrics
    rival = wape.baseline or float("nan")
    goal = GOALS.get((name, algorithm), "")
    title = f"{name}, day ahead, {algorithm}"
    note = f"{coverage.value:.1%} within the 90 % interval; {card.cost.seconds:.1f} s of training"
    better = rival / wape.value
    return [Row(f"{title}: WAPE", wape.value, "", "4-week mean", rival, better, goal, note)]
