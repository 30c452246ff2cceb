"""A soft sensor: what it learns, what it may not see, and that its graph is the model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("onnxmltools")

from lianji.base.errors import InputError
from lianji.learn.models.bundle import Golden
from lianji.learn.models.card import Card
from lianji.learn.training.boosting import CANDIDATES, FINE, SMOOTH, fit, predict, single, to_onnx
from lianji.learn.training.frozen import Frozen
from lianji.learn.training.graph import runner
from lianji.learn.training.regression import train
from lianji.learn.training.result import Trained, write_draft
from lianji.learn.training.work import Stopped, Work
from tests.learn.training.made import NAMES, ROWS, TRAIN, frozen, table, work


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(work(tmp_path_factory.mktemp("training")))


def test_late_labels_carry_it_through_a_drift_that_breaks_the_frozen_model(
    trained: Trained,
) -> None:
    figures = trained.report["figures"]
    assert figures["model, not corrected"]["r2"] < -1
    assert figures["model"]["mae"] < figures["model, not corrected"]["mae"] / 3
    others = {name: one["mae"] for name, one in figures["baselines"].items()}
    assert figures["model"]["mae"] < others["a linear model, bias corrected"]
    assert figures["model"]["mae"] < others["the last label, held"]
    assert 1 <= figures["drift_alarm_days"] <= 7
    metrics = {one.name: one for one in trained.metrics}
    assert metrics["R2"].value == figures["model"]["r2"]
    assert trained.card.baseline in figures["baselines"]
    assert "in time order, labels 24 h late" in metrics["MAE"].on


def test_the_card_says_what_goes_in_and_where_it_may_be_believed(trained: Trained) -> None:
    card = trained.card
    assert [(one.name, one.tag, one.unit) for one in card.inputs] == [
        (name, f"plant/{name}", "1") for name in NAMES[:3]
    ]
    assert {(one.aggregate, one.window_s, one.lag_s) for one in card.inputs} == {("mean", 3600, 0)}
    load = table()["load"][:TRAIN]
    assert load.min() < card.inputs[0].low < -2.5 and 2.5 < card.inputs[0].high < load.max()
    output = card.outputs[0]
    assert (output.tag, output.label, output.label_delay_s) == (
        "plant/models/nox", "plant/nox", 86_400,
    )  # fmt: skip
    assert output.half_width is not None and 0.4 < output.half_width < 5
    assert card.correction is not None and card.correction.kind == "bias"
    assert (card.dataset.name, card.dataset.version, card.dataset.hash) == ("small", 3, "abc")
    assert (card.created_us, card.expires_us - card.created_us) == (1_000_000, 365 * 86_400_000_000)
    assert card.period_s == 3600 and card.drift.bias == output.half_width


def test_the_same_rows_and_specification_make_the_same_bytes(
    trained: Trained, tmp_path: Path
) -> None:
    again = train(work(tmp_path))
    assert again.onnx == trained.onnx
    assert again.golden == trained.golden
    assert again.report == trained.report
    told = {"cost"}
    assert again.card.model_dump(exclude=told) == trained.card.model_dump(exclude=told)


def test_another_test_changes_the_figures_and_nothing_else(
    trained: Trained, tmp_path: Path
) -> None:
    changed = table()
    for name in NAMES:
        changed[name] = np.where(np.arange(ROWS) < TRAIN, changed[name], -7 * changed[name])
    other = train(work(tmp_path, frozen(changed)))
    assert (other.onnx, other.golden) == (trained.onnx, trained.golden)
    told = {"cost", "metrics", "baseline"}
    assert other.card.model_dump(exclude=told) == trained.card.model_dump(exclude=told)
    assert other.metrics != trained.metrics


def test_another_training_changes_the_model(trained: Trained, tmp_path: Path) -> None:
    changed = table()
    changed["nox"][5] += 40
    assert train(work(tmp_path, frozen(changed))).onnx != trained.onnx


@pytest.mark.parametrize("trees", [SMOOTH, FINE], ids=["smooth", "fine"])
def test_the_graph_gives_what_the_trees_give_with_values_missing_too(trees: Any) -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(3000, 4)) * [1, 100, 1e-3, 1e4]
    rows[::9, 1] = np.nan
    target = rows[:, 0] + np.nan_to_num(rows[:, 1]) / 50 + rows[:, 3] / 1e4
    trees = trees.model_copy(update={"rounds": 120})
    booster = fit(rows, target, trees)
    given = runner(to_onnx(booster, 4))(rows.astype(np.float32))
    assert given.shape == (3000, 1) and given.dtype == np.float32
    assert np.abs(given[:, 0] - predict(booster, rows)).max() < 1e-5 * np.ptp(target)


def test_a_row_on_a_threshold_takes_the_same_branch() -> None:
    base = np.float32(1000.0)
    steps = np.array([base, np.nextafter(base, np.float32(np.inf))], np.float64)
    rows = np.tile(steps, 200)[:, None]
    target = (rows[:, 0] > steps[0]).astype(np.float64) * 10
    trees = SMOOTH.model_copy(
        update={"objective": "l2", "extra_trees": False, "rounds": 50, "learning_rate": 0.5}
    )
    booster = fit(rows, target, trees)
    given = runner(to_onnx(booster, 1))(steps.astype(np.float32)[:, None])[:, 0]
    assert given == pytest.approx(predict(booster, steps[:, None]), abs=1e-4)


def test_golden_vectors_are_what_the_graph_gives(trained: Trained) -> None:
    golden = trained.golden
    rows = np.array(golden.inputs, np.float32)
    assert len(rows) == 16
    assert runner(trained.onnx)(rows).tolist() == golden.outputs
    assert np.array_equal(single(rows.astype(np.float64)), rows)


def test_without_parameters_the_better_trees_are_taken(tmp_path: Path) -> None:
    few = {name: one.model_copy(update={"rounds": 20}) for name, one in CANDIDATES.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lianji.learn.training.regression.CANDIDATES", few)
        found = train(work(tmp_path, parameters=None, correction="none"))
    tried = {one["trees"]: one["mae"] for one in found.report["trees_tried"]}
    assert set(tried) == {"smooth", "plain", "fine"}
    assert found.report["trees"] == min(tried, key=lambda name: tried[name])
    assert found.card.correction is None


def test_a_gate_keeps_rows_out_of_the_training_and_stands_on_the_card(tmp_path: Path) -> None:
    gate = [{"column": "air", "low": 0.0}]
    found = train(work(tmp_path, gate=gate, correction="none"))
    assert [one.name for one in found.card.inputs] == ["load", "fuel"]
    assert [(one.tag, one.low, one.high) for one in found.card.gate] == [("plant/air", 0.0, None)]
    assert found.card.cost.rows == int((table()["air"][:TRAIN] >= 0).sum())


def test_an_input_that_is_sometimes_missing_is_not_required(tmp_path: Path) -> None:
    changed = table()
    changed["fuel"][:TRAIN:5] = np.nan
    changed["load"][TRAIN::2] = np.nan
    found = train(work(tmp_path, frozen(changed), correction="none"))
    assert [one.required for one in found.card.inputs] == [True, False, True]
    assert found.report["figures"]["model"]["mae"] < 8


def test_without_a_test_the_late_part_of_the_training_judges(tmp_path: Path) -> None:
    whole = frozen()
    found = train(work(tmp_path, Frozen(whole.manifest, {"train": whole.parts["train"]})))
    assert found.report["on"].startswith("validation, 2026-02-03")
    assert found.report["figures"]["model"]["mae"] < 3


def test_a_validation_part_is_the_late_part_and_is_learnt_in_the_end(
    trained: Trained, tmp_path: Path
) -> None:
    whole = frozen()
    train_rows, late = whole.parts["train"], np.arange(TRAIN) >= 800
    parts = {"train": train_rows.where(~late), "validation": train_rows.where(late)}
    found = train(work(tmp_path, Frozen(whole.manifest, parts | {"test": whole.parts["test"]})))
    assert found.onnx == trained.onnx, "two thirds and a third are what it takes by itself"
    assert found.card.metrics == trained.card.metrics


def test_what_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    changed = table()
    changed["nox"][TRAIN:] = 50
    found = train(work(tmp_path, frozen(changed)))
    assert [one.name for one in found.metrics] == ["MAE", "RMSE", "coverage"]
    folder = write_draft(tmp_path / "draft", found)
    report = json.loads((folder / "report.json").read_bytes())
    assert report["figures"]["model"]["r2"] is None
    Card.model_validate_json((folder / "card.json").read_bytes())


def test_an_input_that_is_gone_in_the_test_is_told(tmp_path: Path) -> None:
    changed = table()
    changed["load"][TRAIN:] = np.nan
    with pytest.raises(InputError, match="training-test-empty"):
        train(work(tmp_path, frozen(changed)))


def test_a_training_that_is_to_stop_leaves_no_card(tmp_path: Path) -> None:
    asked = work(tmp_path)
    stopping = Event()

    def tell(done: float, of: float, **_: float) -> None:
        stopping.set()

    with pytest.raises(Stopped):
        train(Work(asked.name, asked.spec, asked.frozen, tmp_path, tell, stopping))
    assert not list(tmp_path.rglob("card.json"))


def test_a_training_that_was_stopped_anywhere_ends_with_the_same_bytes(tmp_path: Path) -> None:
    few = {name: one.model_copy(update={"rounds": 30}) for name, one in CANDIDATES.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lianji.learn.training.regression.CANDIDATES", few)
        straight = train(work(tmp_path / "straight", parameters=None))
        told: list[list[float]] = []
        while True:
            asked, stopping, heard = work(tmp_path / "stopped", parameters=None), Event(), []
            told.append(heard)

            def tell(
                done: float,
                of: float,
                heard: list[float] = heard,
                end: Event = stopping,
                **_: float,
            ) -> None:
                heard.append(done)
                if len(heard) > len(told):
                    end.set()

            try:
                again = train(Work(asked.name, asked.spec, asked.frozen, asked.folder, tell,
                                   stopping, asked.now_us))  # fmt: skip
                break
            except Stopped:
                continue
    assert len(told) > 3
    assert told[-1][0] >= 2, "what was chosen was not chosen again"
    assert (again.onnx, again.golden, again.report) == (
        straight.onnx, straight.golden, straight.report,
    )  # fmt: skip
    cost = {"cost"}
    assert again.card.model_dump(exclude=cost) == straight.card.model_dump(exclude=cost)
    assert not (tmp_path / "stopped" / "chosen.json").exists()


def test_a_draft_can_be_read_again(trained: Trained, tmp_path: Path) -> None:
    folder = write_draft(tmp_path / "draft", trained)
    assert Card.model_validate_json((folder / "card.json").read_bytes()) == trained.card
    assert Golden.model_validate_json((folder / "golden.json").read_bytes()) == trained.golden
    assert (folder / "model.onnx").read_bytes() == trained.onnx
    assert sorted(one.name for one in folder.iterdir()) == [
        "card.json", "golden.json", "model.onnx", "report.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "changed", "aggregate"),
    [
        ("training-column", {"inputs": ["load", "steam"]}, "average"),
        ("training-column", {"target": "steam"}, "average"),
        ("training-target", {"target": ""}, "average"),
        ("training-inputs", {"inputs": ["load", "nox"]}, "average"),
        ("training-inputs", {"inputs": ["load", "plant/load"]}, "average"),
        ("training-aggregate", {}, "percent_good"),
    ],
)
def test_columns_that_do_not_fit_are_named(
    tmp_path: Path, code: str, changed: dict[str, Any], aggregate: str
) -> None:
    with pytest.raises(InputError) as raised:
        train(work(tmp_path, frozen(aggregate=aggregate), **changed))
    assert raised.value.code == code
    assert raised.value.cause.zh != raised.value.cause.en


def test_a_drift_of_one_operating_state_is_left_to_the_gaussian_process(tmp_path: Path) -> None:
    changed = table()
    late = np.arange(ROWS) >= 800
    changed["nox"] = changed["nox"] + np.where(late & (changed["load"] > 0), 8.0, 0.0)
    found = train(work(tmp_path, frozen(changed), correction="auto"))
    assert found.card.correction is not None
    assert found.card.correction.kind == "gaussian_process"
    assert found.card.correction.ahead == 24
    figures = found.report["figures"]
    assert figures["model"]["mae"] < 0.8 * figures["baselines"]["the trees, bias corrected"]["mae"]


def test_without_lightgbm_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(InputError, match="training-extra-missing") as raised:
        train(work(tmp_path))
    assert 'pip install "lianji[train]"' in raised.value.remedy.en


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training-too-few-rows"):
        train(work(tmp_path, gate=[{"column": "air", "low": 2.5}]))
