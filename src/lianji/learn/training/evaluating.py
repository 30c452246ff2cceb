"""A model on rows that it never saw, in the order of time, beside what is easier to have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lianji.base.clock import from_us
from lianji.learn.models.card import Card, Correction, Metric
from lianji.learn.training.choosing import FORGETTING
from lianji.learn.training.figures import covered, first_drift, held, mae, r2, rmse
from lianji.learn.training.frozen import Floats
from lianji.learn.training.replay import Series, replay

DAY_US = 86_400_000_000
RIDGE = 1.0


def evaluate(
    card: Card,
    series: Series,
    linear: Floats,
    mean: float,
    delay_us: int | None,
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Every figure as plain JSON; ``check`` may end it by what it raises. ``linear`` is what a
    linear model says of the rows [rows], ``mean`` that of the target in training."""
    said = replay(card, series, delay_us, check=check)
    found: dict[str, Any] = {
        "model": _figures(series.labels, said.values)
        | {"coverage": covered(series.labels, said.values, said.half_widths),
           "half_width_mean": float(np.nanmean(said.half_widths))},
        "model, not corrected": _figures(series.labels, series.raw)
        | {"coverage": covered(series.labels, series.raw,
                               np.full(len(series.raw), card.outputs[0].half_width or np.nan))},
        "baselines": {
            "the mean of the training": _figures(series.labels, np.full(len(linear), mean)),
            "a linear model, not corrected": _figures(series.labels, linear),
        },
    }  # fmt: skip
    if delay_us is not None:
        found["baselines"] |= _late_baselines(card, series, linear, delay_us)
        found["drift_alarm_days"] = _drift_days(card, series, delay_us)
    return found


def best_baseline(found: dict[str, Any], metric: str) -> tuple[str, dict[str, float]]:
    """The one that is hardest to beat: on the same rows, after the fact."""
    named: dict[str, dict[str, float]] = found["baselines"]
    name = min(named, key=lambda one: named[one][metric])
    return name, named[name]


def metrics_of(
    found: dict[str, Any], baseline: dict[str, float], unit: str, on: str
) -> list[Metric]:
    """Those of the card; what cannot be said (R2 of a truth that never moves) is left out."""
    model = found["model"]
    told = [
        ("R2", model["r2"], baseline["r2"], "", "high"),
        ("MAE", model["mae"], baseline["mae"], unit, "low"),
        ("RMSE", model["rmse"], baseline["rmse"], unit, "low"),
        ("coverage", model["coverage"], None, "", "high"),
    ]
    return [
        Metric.model_validate(
            {"name": name, "value": value, "unit": unit, "better": better, "on": on,
             "baseline": against if against is not None and math.isfinite(against) else None}
        )
        for name, value, against, unit, better in told
        if math.isfinite(value)
    ]  # fmt: skip


def rows_in_words(part: str, series: Series, delay_us: int | None) -> str:
    """Which rows: "test, 2014-01-01 to 2015-12-31, in time order, labels 24 h late"."""
    first, last = (from_us(int(series.times_us[place])).date() for place in (0, -1))
    late = f", labels {delay_us / 3.6e9:g} h late" if delay_us is not None else ""
    return f"{part}, {first} to {last}, in time order{late}"


def linear_fit(inputs: Floats, target: Floats, others: Floats) -> Floats:
    """Ridge regression of inputs [rows, inputs] and target [rows], on ``others`` [n, inputs]; what
    is missing stands at the mean."""
    centres, scales = np.nanmean(inputs, axis=0), np.nanstd(inputs, axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    known, asked = (np.nan_to_num((rows - centres) / scales, nan=0.0) for rows in (inputs, others))
    square = known.T @ known + RIDGE * np.eye(known.shape[1])
    weights = np.linalg.solve(square, known.T @ (target - target.mean()))
    said: Floats = target.mean() + asked @ weights
    return said


def _late_baselines(
    card: Card, series: Series, linear: Floats, delay_us: int
) -> dict[str, dict[str, float]]:
    """What late labels give without trees."""
    found = {
        "the last label, held": _figures(
            series.labels, held(series.times_us, series.labels, delay_us)
        )
    }
    limit = card.correction.limit if card.correction else float(np.nanmax(np.abs(series.labels)))
    as_linear = Series(series.times_us, series.inputs, linear, series.labels)
    for what, rows in (("a linear model", as_linear), ("the trees", series)):
        tried = [
            _figures(series.labels, replay(_biased(card, one, limit), rows, delay_us).values)
            for one in FORGETTING
        ]
        found[f"{what}, bias corrected"] = min(tried, key=lambda one: one["mae"])
    return found


def _biased(card: Card, forgetting: float, limit: float) -> Card:
    output = card.outputs[0].model_copy(update={"half_width": None})
    bias = Correction(forgetting=forgetting, limit=limit)
    return card.model_copy(update={"correction": bias, "outputs": [output]})


def _drift_days(card: Card, series: Series, delay_us: int) -> float | None:
    """Days from the first row until the uncorrected model's bias raises the alarm."""
    if card.drift.bias is None:
        return None
    after = first_drift(
        series.times_us, series.labels - series.raw, delay_us, card.drift.window, card.drift.bias
    )
    return None if after is None else after / DAY_US


def _figures(truth: Floats, said: Floats) -> dict[str, float]:
    return {"r2": r2(truth, said), "mae": mae(truth, said), "rmse": rmse(truth, said)}
