"""Late labels correct what a model says, and its intervals hold what they promise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lianji.learn.models.card import Card, Correction, Input, Output
from lianji.learn.models.correction import Answer, Corrector

BIAS = Correction(forgetting=0.8, limit=50)
LOCAL = Correction(
    kind="gaussian_process",
    limit=50,
    window=100,
    ahead=5,
    centres=[0, 0],
    scales=[1, 1],
    length=1,
    age=300,
    constant_variance=4,
    local_variance=9,
    noise_variance=1,
)


def card_with(correction: Correction | None, half_width: float | None = 3.0) -> Card:
    return Card(
        name="nox",
        version=1,
        task="regression",
        algorithm="lightgbm",
        inputs=[Input(name=name, tag=f"plant/{name}", low=-3, high=3) for name in ("a", "b")],
        outputs=[Output(name="y", tag="plant/models/nox", half_width=half_width)],
        correction=correction,
        created_us=0,
        expires_us=1,
    )


def run_late(corrector: Corrector, rows: Any, truth: Any, delay: int) -> list[Answer]:
    """The model says nothing at all (raw 0); each label comes ``delay`` rows later."""
    said: list[Answer] = []
    for place, row in enumerate(rows):
        said.append(corrector.answer(row, 0.0))
        if place >= delay:
            late = place - delay
            corrector.learn(rows[late], 0.0, truth[late], said[late])
    return said


def test_without_labels_nothing_is_moved() -> None:
    for correction in (None, BIAS, LOCAL):
        assert Corrector(card_with(correction)).correct([1.0, 2.0], 7.0) == 7.0


def test_the_bias_follows_the_residuals() -> None:
    corrector = Corrector(card_with(BIAS))
    corrector.learn([0, 0], 1.0, 3.0)
    assert corrector.correct([0, 0], 1.0) == pytest.approx(1.0 + 0.2 * 2.0)
    for _ in range(100):
        corrector.learn([0, 0], 1.0, 3.0)
    assert corrector.correct([9, 9], 1.0) == pytest.approx(3.0)


def test_a_residual_that_depends_on_the_inputs_is_learnt_where_they_are_alike() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(300, 2))
    truth = 4 * np.sin(rows[:, 0]) + 2 + rng.normal(size=300) * 0.3
    said = run_late(Corrector(card_with(LOCAL)), rows, truth, 5)
    error = np.abs([one.value for one in said] - truth)[150:].mean()
    bias = run_late(Corrector(card_with(BIAS)), rows, truth, 5)
    assert error < 0.6 < 2 < np.abs([one.value for one in bias] - truth)[150:].mean()


def test_a_correction_never_passes_its_limit() -> None:
    for correction in (BIAS, LOCAL):
        corrector = Corrector(card_with(correction.model_copy(update={"limit": 2.0})))
        for _ in range(50):
            corrector.learn([0, 0], 0.0, 30.0)
        assert corrector.correct([0, 0], 0.0) == 2.0


def test_a_missing_input_stands_at_its_centre() -> None:
    corrector = Corrector(card_with(LOCAL))
    for _ in range(20):
        corrector.learn([0, np.nan], 0.0, 5.0)
    assert corrector.correct([0, np.nan], 0.0) == corrector.correct([0, 0], 0.0) > 3


def test_moved_on_label_by_label_it_is_as_if_worked_out_anew() -> None:
    rng = np.random.default_rng(6)
    rows, truth = rng.normal(size=(260, 2)), rng.normal(size=260)
    moved = Corrector(card_with(LOCAL))
    for row, label in zip(rows, truth, strict=True):
        moved.learn(row, 0.0, label)
        moved.correct(row, 0.0)
    anew = Corrector(card_with(LOCAL), moved.state())
    asked = rng.normal(size=(50, 2))
    assert anew.correct_all(asked, np.zeros(50)) == pytest.approx(
        moved.correct_all(asked, np.zeros(50)), abs=1e-9
    )


@pytest.mark.parametrize("correction", [None, BIAS, LOCAL])
def test_a_restart_goes_on_where_it_was(correction: Correction | None) -> None:
    rng = np.random.default_rng(2)
    rows, truth = rng.normal(size=(250, 2)), rng.normal(size=250) * 3
    rows[::7, 1] = np.nan
    card = card_with(correction)
    whole, before = Corrector(card), Corrector(card)
    for row, label in zip(rows[:230], truth[:230], strict=True):
        whole.learn(row, 0.5, label)
        before.learn(row, 0.5, label)
    after = Corrector(card, json.loads(json.dumps(before.state())))
    for row, label in zip(rows[230:], truth[230:], strict=True):
        whole.learn(row, 0.5, label)
        after.learn(row, 0.5, label)
        there, here = whole.answer(row, 0.5), after.answer(row, 0.5)
        assert here.value == pytest.approx(there.value, abs=1e-9)
        assert here.half_width == pytest.approx(there.half_width, abs=1e-9)
    assert after.state()["residuals"] == whole.state()["residuals"]
    assert after.labels == whole.labels == 250


def test_intervals_keep_their_coverage_while_the_noise_changes() -> None:
    rng = np.random.default_rng(3)
    noise = np.repeat([1.0, 4.0, 0.5, 2.0], 1500)
    truth = rng.normal(size=6000) * noise
    said = run_late(Corrector(card_with(None, half_width=1.6)), np.zeros((6000, 2)), truth, 24)
    held = [
        abs(label - one.value) <= (one.half_width or 0)
        for label, one in zip(truth, said, strict=True)
    ]
    assert 0.87 < np.mean(held) < 0.93
    fixed = np.mean(np.abs(truth) <= 1.6)
    assert fixed < 0.8


def test_a_label_that_is_no_number_is_passed_over() -> None:
    corrector = Corrector(card_with(BIAS))
    corrector.learn([0, 0], 0.0, float("nan"))
    corrector.learn([0, 0], float("inf"), 1.0)
    assert corrector.labels == 0 and corrector.correct([0, 0], 1.0) == 1.0


def test_a_card_whose_correction_does_not_fit_its_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit its inputs"):
        card_with(LOCAL.model_copy(update={"scales": [1.0]}))
