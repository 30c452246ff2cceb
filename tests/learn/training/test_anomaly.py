"""An anomaly detector learns limits from normal operation and keeps to its budget of alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianji.base.errors import InputError
from lianji.learn.models.events import Rule, alarmed, events_of
from lianji.learn.training.anomaly import Spec, train
from lianji.learn.training.anomaly_limits import (
    fit_limits,
    independent_looks,
    score_of,
    window_means,
)
from lianji.learn.training.frozen import Frozen
from lianji.learn.training.graph import runner
from lianji.learn.training.result import Trained
from tests.learn.training.in_memory import frozen_of, work_of

Floats = NDArray[np.float64]
FAULT = slice(3500, 3700)
SPANS = (10, 30, 90)
RULE = Rule()


def normal(rows: int, signals: int = 3, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(50, 1, (rows, signals))


def plant(rows: int = 4000, test_from: int = 3000, shift: float = 4.0) -> Frozen:
    values = normal(rows)
    values[FAULT, 1] += shift
    truth = np.zeros(rows)
    truth[FAULT] = 1
    named = {f"plant/pump/s{n}": values[:, n] for n in range(3)}
    return frozen_of(named | {"plant/pump/fault": truth}, "1s", test_from)


def trained(frozen: Frozen, folder: Path, **fields: object) -> Trained:
    spec = Spec(task="anomaly", dataset="made", truth="plant/pump/fault", **fields)  # type: ignore[arg-type]
    return train(work_of(spec, frozen, folder))


def test_a_fault_is_one_event_and_its_cause_comes_first(tmp_path: Path) -> None:
    made = trained(plant(), tmp_path)
    (event,) = made.report["events"]
    assert event["causes"][0][0] == "plant/pump/s1"
    assert event["causes"][0][1] > 3 * event["causes"][1][1]
    metrics = {one.name: one for one in made.metrics}
    assert metrics["F1"].value > 0.85
    assert metrics["false alarm rate"].value < 0.1
    assert metrics["missed alarm rate"].value < 0.1


def test_the_graph_gives_what_numpy_gives(tmp_path: Path) -> None:
    made = trained(plant(), tmp_path)
    rows = plant().parts["test"].matrix([f"plant/pump/s{n}" for n in range(3)])
    limits = fit_limits(
        plant().parts["train"].matrix([f"plant/pump/s{n}" for n in range(3)]),
        np.ones(3000, bool), SPANS, 7 / 604_800, RULE,
    )  # fmt: skip
    x = np.stack([window_means(rows, span) for span in SPANS], axis=2).reshape(len(rows), -1)
    y = runner(made.onnx)(x)
    assert y.shape == (1000, 4) == (len(rows), len(made.card.outputs))
    assert x.shape[1] == len(made.card.inputs)
    np.testing.assert_allclose(y[:, 1:], limits.contributions(rows), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(y[:, 0], y[:, 1:].max(axis=1))


def test_a_missing_signal_counts_for_nothing_and_all_missing_is_no_score(tmp_path: Path) -> None:
    run = runner(trained(plant(), tmp_path).onnx)
    row = np.full((1, 9), 50, np.float32)
    row[0, 3:6] = 90
    assert run(row)[0, 0] > 10
    row[0, 3:6] = np.nan
    assert run(row)[0, 0] < 1
    assert run(row)[0, 2] == 0
    row[:] = np.nan
    assert np.isnan(run(row)[0, 0])


def test_the_test_rows_change_nothing_that_was_learnt(tmp_path: Path) -> None:
    one, other = trained(plant(), tmp_path), trained(plant(shift=9), tmp_path)
    assert one.onnx == other.onnx
    assert one.golden == other.golden
    assert one.report != other.report


def test_an_alarm_budget_is_kept_on_the_training_rows() -> None:
    rng = np.random.default_rng(3)
    heavy = rng.standard_t(2, (20_000, 4))  # its tails alarm far more often than normal ones
    inside = np.ones(len(heavy), bool)
    for budget in (0, 5, 40):
        limits = fit_limits(heavy, inside, (1, 3), budget / len(heavy) + 1e-12, RULE)
        flags = alarmed(score_of(limits.contributions(heavy)), RULE)
        begun = int((flags[1:] & ~flags[:-1]).sum() + flags[0])
        assert begun <= budget
    assert fit_limits(heavy, inside, (1, 3), 1e-9, RULE).raised > 1


def test_fewer_alarms_want_wider_limits() -> None:
    values, inside = normal(2000), np.ones(2000, bool)
    strict = fit_limits(values, inside, SPANS, 1e-3, RULE)
    lax = fit_limits(values, inside, SPANS, 1e-6, RULE)
    assert (lax.half > strict.half).all()


def test_a_signal_that_wanders_gives_few_looks_and_wide_limits() -> None:
    rng = np.random.default_rng(5)
    steady, walk = rng.normal(0, 1, 4000), np.cumsum(rng.normal(0, 1, 4000))
    walk *= steady.std() / walk.std()
    blocks = np.stack([steady, walk], axis=1).reshape(400, 10, 2).mean(axis=1)
    looks = independent_looks(blocks)
    assert looks[0] > 200
    assert looks[1] < 20
    both = np.stack([steady, walk], axis=1)
    half = fit_limits(both, np.ones(4000, bool), SPANS, 1e-6, RULE).half
    assert (half[1] > 3 * half[0]).all()


def test_rows_outside_the_operating_state_are_not_learnt_and_not_alarmed(tmp_path: Path) -> None:
    values = normal(4000, 2)
    running = np.ones(4000)
    for start in (500, 1500, 2500, 3300):
        values[start : start + 200] -= 50
        running[start : start + 200] = 0
    named = {"plant/p/a": values[:, 0], "plant/p/b": values[:, 1], "plant/p/on": running}
    frozen = frozen_of(named, "1s", 3000)
    spec = {"task": "anomaly", "dataset": "made", "inputs": ["plant/p/a", "plant/p/b"]}
    gated = Spec.model_validate(spec | {"gate": [{"column": "plant/p/on", "low": 0.5}]})
    made = train(work_of(gated, frozen, tmp_path))
    assert [one.tag for one in made.card.gate] == ["plant/p/on"]
    spread = [1 / one for one in made.report["looks"].values()]
    assert max(spread) < 1 / 50, "the standstills would look like a slow wander"
    ungated = train(work_of(Spec.model_validate(spec), frozen, tmp_path))
    x = np.full((1, 6), 46, np.float32)
    assert runner(made.onnx)(x)[0, 0] > 1 > runner(ungated.onnx)(x)[0, 0]


def test_an_event_ends_at_a_share_of_its_peak_and_what_stays_off_is_not_told_again() -> None:
    scores = np.array([0.5, 4, 8, 7, 4, 2, 2, 2.5, 2, 0.5, 1.2, 0.5, np.nan])
    found = alarmed(scores, RULE).astype(int).tolist()
    assert found == [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0]


def test_events_close_together_are_one() -> None:
    scores = np.array([0, 3, 0, 0, 3, 0, 0, 0, 0, 0, 3, 0.0])
    times_us = np.arange(12) * 1_000_000
    both = np.stack([scores, scores / 2], axis=1)
    events = events_of(times_us, scores, both, ["a", "b"], Rule(merge_s=4))
    assert [(one.start_us // 10**6, one.end_us // 10**6) for one in events] == [(1, 4), (10, 10)]
    assert events[0].causes == [("a", 3.0), ("b", 1.5)]


def test_too_few_rows_and_constants_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training-too-few-rows"):
        trained(plant(200, 150), tmp_path)
    still = frozen_of({"plant/p/a": np.ones(1000)}, "1s", 900)
    nearly = np.where(np.arange(1000) < 900, 1.0, np.arange(1000))
    gated = frozen_of(
        {"plant/p/a": nearly, "plant/p/on": (np.arange(1000) < 900).astype(float)}, "1s", 950
    )
    gate = [{"column": "plant/p/on", "low": 0.5}]
    spec = Spec.model_validate({"task": "anomaly", "dataset": "made", "gate": gate})
    with pytest.raises(InputError, match="training-nothing-moves"):
        train(work_of(spec, gated, tmp_path))
    with pytest.raises(InputError, match="training-nothing-moves"):
        train(work_of(Spec(task="anomaly", dataset="made"), still, tmp_path))


@pytest.mark.parametrize("windows", [["30s", "10s"], ["10s", "25s"]])
def test_windows_must_rise_in_multiples(windows: list[str]) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Spec(task="anomaly", dataset="made", windows=windows)
