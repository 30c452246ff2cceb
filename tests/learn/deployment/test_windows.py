"""Columns of a model's rows: each aggregate against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from lianji.learn.deployment.windows import US, Series, column, stale_us
from lianji.learn.models.card import Input

RANDOM = np.random.default_rng(3)
TIMES = np.cumsum(RANDOM.integers(1, 90, 400)) * US
VALUES = RANDOM.normal(1e6, 3, 400)
SERIES = Series(TIMES, VALUES)
ENDS = np.arange(TIMES[0] - 50 * US, TIMES[-1], 37 * US)
STALE = stale_us(37)


def slowly(how: str, end: int, window: int) -> float:
    before = VALUES[end >= TIMES]
    if not len(before) or end - TIMES[end >= TIMES][-1] > STALE:
        return float("nan")
    inside = VALUES[(end >= TIMES) & (end - window < TIMES)]
    if how == "last":
        return float(before[-1])
    if how == "delta":
        older = VALUES[end - window >= TIMES]
        return float(before[-1] - older[-1]) if len(older) else float("nan")
    if not len(inside):
        return 0.0 if how == "std" else float(before[-1])
    return float(getattr(np, how)(inside))


@pytest.mark.parametrize("how", ["last", "mean", "min", "max", "std", "delta"])
@pytest.mark.parametrize(("window", "lag"), [(300, 0), (60, 45), (20, 0)])
def test_a_column_is_what_a_loop_finds(how: str, window: int, lag: int) -> None:
    one = Input.model_validate({
        "name": "x", "tag": "x", "aggregate": how, "window_s": window, "lag_s": lag,
        "low": 0, "high": 1,
    })  # fmt: skip
    expected = [slowly(how, int(end) - lag * US, window * US) for end in ENDS]
    np.testing.assert_allclose(column(SERIES, one, ENDS, STALE), expected, rtol=1e-9, atol=1e-6)
    single = [column(SERIES, one, ENDS[i : i + 1], STALE)[0] for i in range(0, len(ENDS), 40)]
    np.testing.assert_allclose(single, expected[::40], rtol=1e-9, atol=1e-6)


def test_what_was_never_said_and_what_is_old_is_missing() -> None:
    one = Input(name="x", tag="x", low=0, high=1)
    nothing = Series(np.empty(0, np.int64), np.empty(0))
    assert np.isnan(column(nothing, one, ENDS[:3], STALE)).all()
    late = TIMES[-1:] + STALE
    assert column(SERIES, one, late, STALE)[0] == VALUES[-1]
    assert np.isnan(column(SERIES, one, late + 1, STALE)[0])


def test_bad_samples_are_left_out() -> None:
    quality = np.array([0, 0x8000, 0x4000, 0], np.uint16)
    found = Series.of(np.arange(4), np.array([1, 2, 3, np.nan]), quality)
    assert found.values.tolist() == [1, 3]
