"""Trains an anomaly detector: limits by operating state, within a budget of false alarms.

It learns from normal operation alone. Its graph gives the score, which is 1 at the limit, and what
each signal adds to it; ``learn.models.events`` makes events of that, with their causes.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from lianji.base.errors import InputError, Text
from lianji.dictionary.moments import parse_span
from lianji.dictionary.tag import tidied_path
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.models.card import Drift, Input, Metric, Output
from lianji.learn.models.events import AGAIN, END, Rule, alarmed, events_of
from lianji.learn.spec_fields import Span, SpecError
from lianji.learn.training.anomaly_limits import Limits, fit_limits, score_of, window_means
from lianji.learn.training.anomaly_rivals import always_on, ewma_mahalanobis, figures_of
from lianji.learn.training.drafting import (
    TRAINED_ON,
    US,
    card_of,
    inside_gate,
    output_tag,
    part_rows,
    regular,
)
from lianji.learn.training.frozen import Rows
from lianji.learn.training.graph import runner
from lianji.learn.training.graphs import limits_graph
from lianji.learn.training.result import Trained, golden_of
from lianji.learn.training.spec import TrainingSpec
from lianji.learn.training.work import Work

WEEK_US = 7 * 86_400 * US
BLOCKS_MIN = 20
RIVALS = "EWMA and Mahalanobis distance, or always on"
BUDGET = "the budget of false alarms"
FAR_AWAY = 1e30
"""The envelope of a signal without limits of its own: what is abnormal is what is looked for."""
Floats = NDArray[np.float64]


class Spec(TrainingSpec):
    """``task = "anomaly"``."""

    alarms_per_week: float = Field(default=7, gt=0)
    """The budget of false alarms."""
    windows: list[Span] = Field(default_factory=list)
    """Lengths of the means that are looked at, rising, multiples of the first; by default 10, 30
    and 90 steps."""
    end: float = Field(default=END, ge=0, lt=1)
    """An event is over below this share of its peak."""
    again: float = Field(default=AGAIN, ge=1)
    """After an event it begins again above this many times what was left."""
    merge: Span = "60s"
    """Events no further apart are one."""
    truth: str = ""
    """Column that is 1 where something was wrong, if that is known: for the test part alone."""

    @field_validator("windows")
    @classmethod
    def _rising(cls, windows: list[str]) -> list[str]:
        spans = [parse_span(one) for one in windows]
        if spans != sorted(set(spans)) or any(one % spans[0] for one in spans):
            raise SpecError(
                "windows rise, and each is a multiple of the first",
                "windows 应递增，且均为第一个的整数倍",
            )
        return windows


def train(work: Work) -> Trained:
    """Raises InputError where the rows do not suffice."""
    began_s = time.perf_counter()
    spec = work.spec
    assert isinstance(spec, Spec)
    rows, there = regular(part_rows(work, TRAINED_ON), work.frozen.step_us)
    inside = inside_gate(work, rows) & there
    columns = _signals(work, spec, rows.where(inside))
    rule = Rule(spec.end, spec.again, parse_span(spec.merge) / US)
    spans = _spans(work, spec)
    if inside.sum() < BLOCKS_MIN * spans[0] or inside.sum() < 2 * spans[-1]:
        raise _too_few(int(inside.sum()), max(BLOCKS_MIN * spans[0], 2 * spans[-1]))
    budget = spec.alarms_per_week * work.frozen.step_us / WEEK_US
    values = rows.matrix([one.name for one in columns])
    work.progress(1, 3)
    limits = fit_limits(values, inside, spans, budget, rule)
    work.check_stopping()
    work.progress(2, 3)
    onnx = limits_graph(limits.centre, limits.half)
    metrics, report = _judged(work, spec, columns, limits, rule)
    card = card_of(
        work, "anomaly", _inputs(work, columns, spans), _outputs(work, columns), metrics, began_s,
        int(inside.sum()), algorithm="limits", baseline=RIVALS if spec.truth else BUDGET,
        drift=Drift(outside=1), parameters=_parameters(spec, rule),
    )  # fmt: skip
    report |= {
        "looks": {one.name: float(n) for one, n in zip(columns, limits.looks, strict=True)},
        "raised": limits.raised,
    }
    golden = golden_of(_rows_of(values, spans)[inside], runner(onnx))
    work.progress(3, 3)
    return Trained(card, onnx, golden, report, _parameters(spec, rule))


def _signals(work: Work, spec: Spec, rows: Rows) -> list[FrozenColumn]:
    """The inputs that move in ``rows``; a constant has no limits that could be learnt."""
    gates = {work.frozen.column(one.column).name for one in spec.gate}
    all_of = [one.name for one in work.frozen.manifest.columns if one.name not in gates]
    wanted = spec.inputs or all_of
    taken = {work.frozen.column(one).name for one in (spec.truth, spec.target) if one}
    columns = [work.frozen.column(one) for one in wanted]
    moving = [
        one
        for one in columns
        if one.name not in taken and np.unique(_known(rows.values[one.name])).size > 1
    ]
    if not moving:
        raise InputError(
            "training-nothing-moves",
            Text("No input changes in the rows of training.", "训练数据中没有任何变化的输入。"),
            Text("Name inputs that change.", "请选择有变化的输入列。"),
        )
    return moving


def _known(column: Floats) -> Floats:
    return np.asarray(column[~np.isnan(column)])


def _spans(work: Work, spec: Spec) -> list[int]:
    """Windows in rows."""
    step_us = work.frozen.step_us
    windows = [parse_span(one) for one in spec.windows] or [n * step_us for n in (10, 30, 90)]
    if any(one % step_us for one in windows):
        raise InputError(
            "training-windows",
            Text("A window is no whole number of steps.", "窗口长度不是步长的整数倍。"),
            Text("Take multiples of the data set's step.", "请使用数据集步长的整数倍。"),
        )
    return [one // step_us for one in windows]


def _inputs(work: Work, columns: list[FrozenColumn], spans: list[int]) -> list[Input]:
    step_s = work.frozen.step_us / US
    return [
        Input(
            name=f"{one.name} mean {span * step_s:g}s",
            tag=one.tag,
            unit=one.unit,
            aggregate="mean",
            window_s=span * step_s,
            low=-FAR_AWAY if one.low is None else one.low,
            high=FAR_AWAY if one.high is None else one.high,
            required=False,
        )
        for one in columns
        for span in spans
    ]


def _outputs(work: Work, columns: list[FrozenColumn]) -> list[Output]:
    tag, title = output_tag(work, columns[0].tag), work.spec.output
    score = Output(
        name="score", tag=tag, unit="1", low=0, title_en=title.title_en, title_zh=title.title_zh
    )
    causes = [
        Output(name=one.name, tag=tidied_path(f"{tag}/{one.tag.replace('/', '.')}"), unit="1")
        for one in columns
    ]
    return [score, *causes]


def _rows_of(values: Floats, spans: list[int]) -> NDArray[np.float32]:
    """[rows, signals * windows], as the card orders its inputs."""
    means = np.stack([window_means(values, span) for span in spans], axis=2)
    return means.reshape(len(values), -1).astype(np.float32)


def _judged(
    work: Work, spec: Spec, columns: list[FrozenColumn], limits: Limits, rule: Rule
) -> tuple[list[Metric], dict[str, Any]]:
    """Figures on the test part; none where there is none."""
    if "test" not in work.frozen.parts:
        return [], {"events": []}
    before, there = regular(part_rows(work, (*TRAINED_ON, "test")), work.frozen.step_us)
    later = before.times_us >= work.frozen.parts["test"].times_us[0]
    rows = before.where(later)
    names = [one.name for one in columns]
    contributions = limits.contributions(before.matrix(names))[later]
    known = inside_gate(work, rows) & there[later]
    scores = np.where(known, score_of(contributions), np.nan)
    events = events_of(rows.times_us, scores, contributions, names, rule)
    weeks = len(rows) * work.frozen.step_us / WEEK_US
    alarms, budget = len(events) / weeks, spec.alarms_per_week
    metrics = [Metric(name="alarms a week", value=alarms, baseline=budget, on="test")]
    told = [{"start_us": e.start_us, "end_us": e.end_us, "peak": e.peak,
             "causes": [[name, round(most, 3)] for name, most in e.causes]}
            for e in events]  # fmt: skip
    report: dict[str, Any] = {"events": told, "budget_a_week": spec.alarms_per_week}
    if spec.truth:
        report["figures"] = _compared(work, spec, rows, names, scores, rule)
        metrics += _metrics(report["figures"])
    return metrics, report


def _compared(
    work: Work, spec: Spec, rows: Rows, names: list[str], scores: Floats, rule: Rule
) -> dict[str, dict[str, float]]:
    truth = rows.values[work.frozen.column(spec.truth).name] > 0
    learnt = part_rows(work, TRAINED_ON)
    normal = learnt.where(inside_gate(work, learnt)).matrix(names)
    return {
        "limits": figures_of(truth, alarmed(scores, rule)),
        "EWMA and Mahalanobis": figures_of(truth, ewma_mahalanobis(normal, rows.matrix(names))),
        "always on": figures_of(truth, always_on(len(rows))),
    }


def _metrics(figures: dict[str, dict[str, float]]) -> list[Metric]:
    """F1 beside the better baseline's, and the two rates that it hides."""
    own, rival = figures["limits"], figures["EWMA and Mahalanobis"]
    best = max(rival["f1"], figures["always on"]["f1"])
    return [
        Metric(name="F1", value=own["f1"], baseline=best, better="high", on="test"),
        Metric(name="false alarm rate", value=own["far"], baseline=rival["far"], on="test"),
        Metric(name="missed alarm rate", value=own["mar"], baseline=rival["mar"], on="test"),
    ]


def _parameters(spec: Spec, rule: Rule) -> dict[str, str | int | float | bool]:
    return {
        "alarms_per_week": spec.alarms_per_week,
        "end": rule.end,
        "again": rule.again,
        "merge_s": rule.merge_s,
    }


def _too_few(there: int, need: int) -> InputError:
    return InputError(
        "training-too-few-rows",
        Text(
            f"Only {there} rows are of normal operation; at least {need} are needed.",
            f"正常工况的数据只有 {there} 行，至少需要 {need} 行。",
        ),
        Text("Take a longer range or shorter windows.", "请延长时间范围或缩短窗口。"),
    )
