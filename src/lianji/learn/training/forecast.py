"""Trains a forecaster of a load: at the end of each step, what the load will be some time later.

It is judged against the mean of the last 4 weeks at the same hour, on rows that it never saw.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lianji.base.errors import InputError, Text
from lianji.dictionary.moments import parse_span
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.models.card import Drift, Input, Metric, Output
from lianji.learn.spec_fields import Span
from lianji.learn.training.drafting import TRAINED_ON, US, card_of, output_tag, part_rows, regular
from lianji.learn.training.graph import runner
from lianji.learn.training.graphs import trees_graph
from lianji.learn.training.result import Trained, golden_of
from lianji.learn.training.season import (
    DAY_S,
    HISTORY_DAYS,
    Seen,
    columns_of,
    same_hour,
    seen_for,
    true_later,
)
from lianji.learn.training.spec import TrainingSpec
from lianji.learn.training.trees import FOLDS, grow
from lianji.learn.training.work import Work

Floats = NDArray[np.float64]
DAYS_MIN = 2 * HISTORY_DAYS
BASELINE = "the mean of the last 4 weeks at this hour"


class Spec(TrainingSpec):
    """``task = "forecast"``."""

    algorithm: Literal["lightgbm", "sequence"] = "lightgbm"
    horizons: list[Span] = Field(default_factory=lambda: ["24h"], min_length=1, max_length=192)
    """How far ahead; an output each. ``sequence`` has one."""
    utc_offset_h: float = Field(default=0, ge=-12, le=14)
    """Local time less UTC: people work by the local clock."""


@dataclass(frozen=True, slots=True)
class Series:
    """The load on a grid without holes. ``learnt``: so many of its rows may be learnt from."""

    column: FrozenColumn
    times_us: NDArray[np.int64]
    load: Floats
    learnt: int
    step_s: int


@dataclass(frozen=True, slots=True)
class Horizon:
    """One output: its columns, and what was fitted to them."""

    ahead: int
    seen: list[Seen]
    x: NDArray[np.float32]
    """[rows, seen], of the whole series."""
    y: Floats
    """[rows], what comes ``ahead`` rows later."""

    def known(self, first: int, last: int) -> NDArray[np.intp]:
        """Rows whose ``y`` lies in rows ``first`` to ``last`` (without it), and that have one."""
        places = np.arange(max(first - self.ahead, 0), last - self.ahead)
        return np.asarray(places[~np.isnan(self.y[places])])


def train(work: Work) -> Trained:
    """Raises InputError for rows that do not suffice, and without the libraries."""
    began_s = time.perf_counter()
    spec = work.spec
    assert isinstance(spec, Spec)
    series = _series(work, spec)
    first = HISTORY_DAYS * DAY_S // series.step_s
    horizons = [_horizon(series, spec, ahead_of(one, series)) for one in spec.horizons]
    if spec.algorithm == "sequence":
        from lianji.learn.training import sequence

        return sequence.train(work, spec, series, began_s)
    boosters, errors, rounds = [], [], []
    for number, one in enumerate(horizons):
        rows = one.known(first + one.ahead, series.learnt)

        def step(_: int = number) -> None:
            work.check_stopping()
            work.progress(_, len(horizons))

        grown = grow(one.x[rows], one.y[rows], step)
        boosters.append(grown.booster)
        errors.append(grown.errors)
        rounds.append(grown.rounds)
    names, places = _union(horizons)
    onnx = trees_graph(boosters, places, len(names))
    parameters: dict[str, str | int | float | bool] = {
        "rounds": ",".join(map(str, rounds)), "folds": FOLDS
    }  # fmt: skip
    return finished(work, series, horizons, onnx, errors, parameters, began_s)


def finished(
    work: Work,
    series: Series,
    horizons: list[Horizon],
    onnx: bytes,
    errors: list[Floats],
    parameters: dict[str, str | int | float | bool],
    began_s: float,
) -> Trained:
    """The draft, judged on the test part. ``errors``: of each horizon, on rows not learnt from."""
    spec = work.spec
    assert isinstance(spec, Spec)
    names, _ = _union(horizons)
    x = _row_of(horizons, names)
    run = runner(onnx)
    first = HISTORY_DAYS * DAY_S // series.step_s
    widths = [half_width(one, spec.coverage) for one in errors]
    metrics, report = _judged(series, horizons, run(x), widths)
    parameters = parameters | {
        "horizon_s": ",".join(str(one.ahead * series.step_s) for one in horizons),
        "utc_offset_h": spec.utc_offset_h,
    }
    card = card_of(
        work, "forecast", _inputs(series, horizons, names, x[first : series.learnt]),
        _outputs(work, series, spec, widths), metrics, began_s, series.learnt,
        algorithm=spec.algorithm, baseline=BASELINE, drift=Drift(outside=0.5),
        parameters=parameters,
    )  # fmt: skip
    return Trained(card, onnx, golden_of(x[first : series.learnt], run), report, parameters)


def half_width(errors: Floats, coverage: float) -> float:
    """Split conformal (Lei et al., JASA 2018): the quantile of absolute errors, for one more."""
    level = min(np.ceil((len(errors) + 1) * coverage) / len(errors), 1)
    return float(np.quantile(np.abs(errors), level))


def _series(work: Work, spec: Spec) -> Series:
    step_us = work.frozen.step_us
    if DAY_S * US % step_us or step_us % US:
        raise unfit("a day is no whole number of steps", "一天不是步长的整数倍")
    name = spec.target or work.frozen.manifest.spec.target
    column = work.frozen.column(name)
    learnt, _ = regular(part_rows(work, TRAINED_ON), step_us)
    rows, _ = regular(part_rows(work, (*TRAINED_ON, "test")), step_us)
    if len(learnt) * step_us < DAYS_MIN * DAY_S * US:
        raise unfit(f"fewer than {DAYS_MIN} days to learn from", f"训练数据少于 {DAYS_MIN} 天")
    load = rows.values[column.name]
    return Series(column, rows.times_us, load, len(learnt), step_us // US)


def ahead_of(horizon: str, series: Series) -> int:
    rows, rest = divmod(parse_span(horizon) // US, series.step_s)
    if rest or rows < 1 or rows * series.step_s > 7 * DAY_S:
        raise unfit(
            f"the horizon {horizon} is no number of steps up to a week",
            f"预测时长 {horizon} 应为步长的整数倍且不超过一周",
        )
    return rows


def _horizon(series: Series, spec: Spec, ahead: int) -> Horizon:
    seen = seen_for(ahead, series.step_s, round(spec.utc_offset_h * 3600))
    x = columns_of(series.times_us, series.load, seen, series.step_s)
    return Horizon(ahead, seen, x, true_later(series.load, ahead))


def _union(horizons: list[Horizon]) -> tuple[list[str], list[list[int]]]:
    """The columns that a row of the model has, and the places of each horizon's own."""
    if len(horizons) == 1:
        names = [one.name for one in horizons[0].seen]
        return names, [list(range(len(names)))]
    names, places = [], []
    for one in horizons:
        own = [f"{seen.name} +{one.ahead}" for seen in one.seen]
        places.append(list(range(len(names), len(names) + len(own))))
        names += own
    return names, places


def _row_of(horizons: list[Horizon], names: list[str]) -> NDArray[np.float32]:
    x = np.concatenate([one.x for one in horizons], axis=1)
    assert x.shape[1] == len(names)
    return x


def _inputs(
    series: Series, horizons: list[Horizon], names: list[str], x: NDArray[np.float32]
) -> list[Input]:
    """The envelope of each is from its 0.1 % to its 99.9 % quantile in training."""
    seen = [one for horizon in horizons for one in horizon.seen]
    low, high = np.nanquantile(x, (0.001, 0.999), axis=0).tolist()
    column = series.column
    made = [
        one.input(column.tag, column.unit, series.step_s, low[place], high[place])
        for place, one in enumerate(seen)
    ]
    return [one.model_copy(update={"name": name}) for one, name in zip(made, names, strict=True)]


def _outputs(work: Work, series: Series, spec: Spec, widths: list[float]) -> list[Output]:
    tag, told, column = output_tag(work, series.column.tag), spec.output, series.column
    several = len(spec.horizons) > 1
    return [
        Output(
            name=f"in {horizon}",
            tag=f"{tag}/{horizon}" if several else tag,
            unit=column.unit if told.unit is None else told.unit,
            low=column.low if told.low is None else told.low,
            high=column.high if told.high is None else told.high,
            half_width=width,
            title_en=told.title_en,
            title_zh=told.title_zh,
        )
        for horizon, width in zip(spec.horizons, widths, strict=True)
    ]


def _judged(
    series: Series, horizons: list[Horizon], y: NDArray[np.float32], widths: list[float]
) -> tuple[list[Metric], dict[str, Any]]:
    """WAPE and coverage on the test part, a horizon each; nothing where there is none."""
    metrics, figures = [], []
    for place, one in enumerate(horizons):
        base = same_hour(series.load, one.ahead, series.step_s)
        rows = one.known(series.learnt, len(series.load))
        rows = rows[~np.isnan(base[rows])]
        if not len(rows):
            continue
        truth, told = one.y[rows], y[rows, place].astype(np.float64)
        wape, rival = wape_of(truth, told), wape_of(truth, base[rows])
        covered = float((np.abs(truth - told) <= widths[place]).mean())
        hours = f"{one.ahead * series.step_s / 3600:g} h"
        on, which = f"{hours} ahead, test", f", {hours}" if len(horizons) > 1 else ""
        metrics.append(Metric(name=f"WAPE{which}", value=wape, baseline=rival, on=on))
        metrics.append(Metric(name=f"coverage{which}", value=covered, better="high", on=on))
        figures.append({"ahead_s": one.ahead * series.step_s, "wape": wape,
                        "baseline": rival, "coverage": covered, "rows": len(rows)})  # fmt: skip
    return metrics, {"figures": figures}


def wape_of(truth: Floats, told: Floats) -> float:
    """Sum of absolute errors over the sum of the absolute truth."""
    return float(np.abs(truth - told).sum() / max(np.abs(truth).sum(), 1e-12))


def unfit(en: str, zh: str) -> InputError:
    return InputError(
        "training-forecast-unfit",
        Text(f"The data set does not suit the forecast: {en}.", f"数据集不适合该预测：{zh}。"),
        Text("Change the specification or the data set.", "请修改训练规格或数据集。"),
    )
