"""What forecasts and anomaly detectors share when they write their card."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.card import Card, Cost, DataSource, Gate, Input, Metric, Output, Task
from lianji.learn.training.frozen import Rows
from lianji.learn.training.work import Work

US = 1_000_000
TRAINED_ON = ("all", "train", "validation")
"""Parts that a model may learn from; ``test`` is never looked at before it is done."""


def part_rows(work: Work, parts: Sequence[str]) -> Rows:
    """The rows of those parts that there are, one after the other."""
    chosen = [work.frozen.parts[one] for one in parts if one in work.frozen.parts]
    names = chosen[0].values
    return Rows(
        np.concatenate([one.times_us for one in chosen]),
        {name: np.concatenate([one.values[name] for one in chosen]) for name in names},
    )


def regular(rows: Rows, step_us: int) -> tuple[Rows, NDArray[np.bool_]]:
    """On a grid without holes: what is missing is NaN. Also which rows were there."""
    first, last = int(rows.times_us[0]), int(rows.times_us[-1])
    times_us = np.arange(first, last + 1, step_us, dtype=np.int64)
    places = (rows.times_us - first) // step_us
    there = np.zeros(len(times_us), bool)
    there[places] = True
    values = {}
    for name, column in rows.values.items():
        values[name] = np.full(len(times_us), np.nan)
        values[name][places] = column
    return Rows(times_us, values), there


def inside_gate(work: Work, rows: Rows) -> NDArray[np.bool_]:
    """[rows]: whether each is in the operating state; without a gate all are."""
    inside = np.ones(len(rows), bool)
    for one in work.spec.gate:
        value = rows.values[work.frozen.column(one.column).name]
        inside &= ~np.isnan(value)
        inside &= (value >= one.low) if one.low is not None else True
        inside &= (value <= one.high) if one.high is not None else True
    return inside


def gates_of(work: Work) -> list[Gate]:
    """The operating state as the card says it."""
    return [
        Gate(tag=work.frozen.column(one.column).tag, low=one.low, high=one.high)
        for one in work.spec.gate
    ]


def output_tag(work: Work, first_tag: str) -> str:
    """The specification's, or ``<site>/models/<name>``."""
    return work.spec.output.tag or f"{first_tag.split('/')[0]}/models/{work.name}"


def card_of(
    work: Work,
    task: Task,
    inputs: list[Input],
    outputs: list[Output],
    metrics: list[Metric],
    began_s: float,
    rows: int,
    **more: Any,
) -> Card:
    """The draft's card. ``began_s`` is of ``time.perf_counter``; ``more`` are fields of it."""
    spec, manifest = work.spec, work.frozen.manifest
    now_us = work.now_us() if work.now_us else time.time_ns() // 1000
    return Card(
        name=work.name,
        version=1,
        task=task,
        title_en=spec.title_en,
        title_zh=spec.title_zh,
        inputs=inputs,
        outputs=outputs,
        metrics=metrics,
        period_s=(spec.period_us or work.frozen.step_us) / US,
        coverage=spec.coverage,
        gate=gates_of(work),
        dataset=DataSource(name=manifest.name, version=manifest.version, hash=manifest.hash),
        licence=spec.licence,
        owner=spec.owner,
        cost=Cost(seconds=round(time.perf_counter() - began_s, 3), rows=rows),
        created_us=now_us,
        expires_us=now_us + spec.expires_us,
        **more,
    )
