"""Run a model over stored rows in the order of time, with labels that come late.

This is what an edge does, by the code that an edge runs (``models.correction``): no row is answered
with a label that had not arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.learn.models.card import Card
from lianji.learn.models.correction import Answer, Corrector

Floats = NDArray[np.float64]
CHECKED_EVERY = 200
"""Rows between two calls of ``check``."""


@dataclass(frozen=True, slots=True)
class Series:
    """Rows in the order of time. ``inputs`` [rows, inputs], ``raw`` what the graph gave [rows],
    ``labels`` the true values [rows], NaN where there is none."""

    times_us: NDArray[np.int64]
    inputs: Floats
    raw: Floats
    labels: Floats


@dataclass(frozen=True, slots=True)
class Replay:
    """What was said: [rows] each. ``half_widths`` is NaN for a model without intervals."""

    values: Floats
    half_widths: Floats


def replay(
    card: Card,
    series: Series,
    delay_us: int | None,
    every: int = 1,
    check: Callable[[], None] = lambda: None,
) -> Replay:
    """Answer row after row. ``delay_us`` after its row a label is there; None: never.

    ``every`` rows are answered together, with the labels that the first of them had: quicker, and
    a little pessimistic; for choosing, not for figures. ``check`` is called now and then, and may
    end it by what it raises.
    """
    corrector = Corrector(card)
    count = len(series.times_us)
    values, widths = np.empty(count), np.full(count, np.nan)
    learnt = 0
    for begin in range(0, count, every):
        if begin % CHECKED_EVERY < every:
            check()
        here = slice(begin, min(begin + every, count))
        if delay_us is not None:
            arrived = series.times_us[begin] - delay_us
            while learnt < begin and series.times_us[learnt] <= arrived:
                said = Answer(float(values[learnt]), _width(widths[learnt]))
                corrector.learn(
                    series.inputs[learnt], float(series.raw[learnt]),
                    float(series.labels[learnt]), said,
                )  # fmt: skip
                learnt += 1
        values[here] = corrector.correct_all(series.inputs[here], series.raw[here])
        widths[here] = np.nan if corrector.half_width is None else corrector.half_width
    return Replay(values, widths)


def _width(width: float) -> float | None:
    return None if np.isnan(width) else float(width)
