"""The Skoltech Anomaly Benchmark: 34 experiments on a water loop, by its own metric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.events import Rule, alarmed
from lianji.learn.training.anomaly_limits import fit_limits, score_of
from lianji.learn.training.anomaly_rivals import always_on, ewma_mahalanobis, figures_of
from tests.peers import need_data

Floats = NDArray[np.float64]
TRAINED = 400
ALARMS_A_WEEK = 7
SPANS_S = (10, 30, 90)


def experiments() -> list[tuple[Floats, NDArray[np.bool_]]]:
    """Of each file the signals [rows, 8] and whether a row is abnormal."""
    files = sorted(need_data("skab", "data").glob("*/*.csv"))
    tables = [
        np.genfromtxt(path, delimiter=";", skip_header=1, usecols=range(1, 10))
        for path in files
        if path.parent.name != "anomaly-free"
    ]
    return [(table[:, :8], table[:, 8] > 0) for table in tables]


def figures() -> dict[str, dict[str, float]]:
    """Of all test rows of all files together, as its leader board counts."""
    found: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in ("ours", "ewma", "on")}
    truth = []
    for values, wrong in experiments():
        normal, rows = values[:TRAINED], len(values) - TRAINED
        budget = ALARMS_A_WEEK / 604_800
        limits = fit_limits(normal, np.ones(TRAINED, bool), SPANS_S, budget, Rule())
        scores = score_of(limits.contributions(values))[TRAINED:]
        truth.append(wrong[TRAINED:])
        found["ours"].append(alarmed(scores, Rule()))
        found["ewma"].append(ewma_mahalanobis(normal, values[TRAINED:]))
        found["on"].append(always_on(rows))
    return {
        name: figures_of(np.concatenate(truth), np.concatenate(flags))
        for name, flags in found.items()
    }


def test_f1_and_false_alarms_on_skab() -> None:
    assert len(experiments()) == 34
    found = figures()
    assert found["ours"]["f1"] >= 0.85
    assert found["ours"]["far"] <= 0.15
    assert round(found["on"]["f1"], 3) == 0.698
    assert found["ours"]["f1"] > found["ewma"]["f1"] > found["on"]["f1"]
