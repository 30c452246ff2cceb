"""No row is answered with a label that had not arrived."""

from __future__ import annotations

import numpy as np
import pytest

from lianji.learn.models.card import Card, Correction, Input, Output
from lianji.learn.training.figures import covered, first_drift, held, mae, r2
from lianji.learn.training.replay import Series, replay

HOUR_US = 3_600_000_000
CARD = Card(
    name="m",
    version=1,
    task="regression",
    algorithm="x",
    inputs=[Input(name="a", tag="plant/a", low=0, high=1)],
    outputs=[Output(name="y", tag="plant/y", half_width=1.0)],
    correction=Correction(forgetting=0, limit=100),
    created_us=0,
    expires_us=1,
)
"""Without memory its correction is the last residual, which shows which label that was."""


def series(labels: list[float], hours: list[int] | None = None) -> Series:
    count = len(labels)
    times_us = np.array(hours or range(count)) * HOUR_US
    return Series(times_us, np.zeros((count, 1)), np.zeros(count), np.array(labels, np.float64))


def test_a_label_is_used_when_it_arrived_and_not_before() -> None:
    labels = [1.0, 2, 3, 4, 5, 6]
    assert replay(CARD, series(labels), 2 * HOUR_US).values.tolist() == [0, 0, 1, 2, 3, 4]
    assert replay(CARD, series(labels), None).values.tolist() == [0] * 6
    gap = replay(CARD, series(labels, [0, 1, 2, 50, 51, 52]), 2 * HOUR_US)
    assert gap.values.tolist() == [0, 0, 1, 3, 3, 4]


def test_a_label_that_is_missing_teaches_nothing() -> None:
    said = replay(CARD, series([1.0, np.nan, 3, 4]), HOUR_US)
    assert said.values.tolist() == [0, 1, 1, 3]


def test_the_future_changes_no_answer() -> None:
    rng = np.random.default_rng(4)
    labels = rng.normal(size=60).tolist()
    whole = replay(CARD, series(labels), 5 * HOUR_US)
    other = replay(CARD, series(labels[:40] + [999.0] * 20), 5 * HOUR_US)
    assert whole.values[:45].tolist() == other.values[:45].tolist()
    assert whole.half_widths[:45].tolist() == other.half_widths[:45].tolist()


def test_answering_in_blocks_never_knows_more() -> None:
    labels = [float(n) for n in range(1, 31)]
    exact = replay(CARD, series(labels), 3 * HOUR_US).values
    blocks = replay(CARD, series(labels), 3 * HOUR_US, every=4).values
    assert (blocks <= exact).all() and blocks[::4].tolist() == exact[::4].tolist()


def test_figures_leave_out_what_is_missing() -> None:
    truth, said = np.array([1.0, 2, np.nan, 4]), np.array([1.0, 3, 5, np.nan])
    assert mae(truth, said) == 0.5
    assert r2(np.array([1.0, 3]), np.array([1.0, 3])) == 1
    assert covered(truth, said, np.full(4, 0.5)) == 0.5


def test_the_last_label_is_held_once_it_arrived() -> None:
    times_us = np.arange(5) * HOUR_US
    found = held(times_us, np.array([1.0, np.nan, 3, 4, 5]), HOUR_US)
    assert np.isnan(found[0]) and found[1:].tolist() == [1, 1, 3, 4]


def test_drift_is_told_with_the_delay_of_the_labels() -> None:
    times_us = np.arange(10) * HOUR_US
    residuals = np.array([0.0, 0, 0, 0, 9, 9, 9, 9, 9, 9])
    assert first_drift(times_us, residuals, 24 * HOUR_US, 2, 5.0) == (5 + 24) * HOUR_US
    assert first_drift(times_us, residuals, 0, 2, 10.0) is None
    assert first_drift(times_us, residuals, 0, 20, 1.0) is None


def test_coverage_needs_both_sides() -> None:
    assert covered(np.array([0.0, 2]), np.zeros(2), np.ones(2)) == pytest.approx(0.5)
