"""A soft sensor: boosted trees, corrected by labels that come late, with conformal intervals.

The order keeps the test out of every choice: trees of the early part of the training are compared
on its late part, in time order and with late labels; so is how to correct them, and the errors left
give the interval. Then trees of all of the training are grown, and only then is the test run.
"""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError, Text
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.models.card import Card, Cost, Drift
from lianji.learn.training import boosting, card_parts
from lianji.learn.training.boosting import CANDIDATES, Trees
from lianji.learn.training.choosing import Chosen, Late, choose, corrections, usual
from lianji.learn.training.evaluating import (
    best_baseline,
    evaluate,
    linear_fit,
    metrics_of,
    rows_in_words,
)
from lianji.learn.training.graph import runner
from lianji.learn.training.kept import Kept
from lianji.learn.training.result import Trained, golden_of
from lianji.learn.training.spec import TrainingSpec
from lianji.learn.training.tables import Table, nothing_to_judge, tables_of
from lianji.learn.training.work import Work

DRIFT_US = 3 * 86_400_000_000
GRAPH_TOLERANCE = 1e-3
"""Of the target's standard deviation: how far the graph may be from LightGBM."""


class Spec(TrainingSpec):
    """``task = "regression"``."""

    task: Literal["regression"]
    algorithm: Literal["lightgbm"] = "lightgbm"
    parameters: Trees | None = None
    """How trees are grown; by default the best of a few ways on the late part of the training."""
    correction: Literal["auto", "none", "bias", "gaussian_process"] = "auto"
    metric: Literal["mae", "rmse"] = "mae"
    """What is made small where there is a choice."""


def train(work: Work) -> Trained:
    """Raises LianjiError, Stopped."""
    started, spec = time.monotonic(), _own(work.spec)
    columns, target = card_parts.columns_for(spec, work.frozen)
    early, late, test = tables_of(work, columns, target)
    fit = early.then(late)
    card = _first_card(work, spec, columns, target, fit)
    kept = Kept(work)
    name, trees, tried = _chosen_trees(work, kept, card, early, late)
    chosen = _chosen_correction(work, kept, card, trees, early, late)
    card = _corrected(card, chosen, late)
    booster = boosting.fit(fit.inputs, fit.target, trees, _teller(work, 2, trees))
    onnx = boosting.to_onnx(booster, len(columns))
    _check_graph(booster, onnx, fit)
    found, on = _evaluated(work, card, booster, trees, early, late, fit, test)
    against, figures = best_baseline(found, spec.metric)
    seconds = time.monotonic() - started
    card = card.model_copy(
        update={
            "metrics": metrics_of(found, figures, card.outputs[0].unit, on),
            "baseline": against,
            "cost": Cost(seconds=round(seconds, 3), rows=len(fit.target)),
            "parameters": trees.model_dump(),
        }
    )
    report = {"figures": found, "on": on, "trees": name, "trees_tried": tried,
              "corrections_tried": chosen.tried, "metric": spec.metric}  # fmt: skip
    golden = golden_of(fit.inputs.astype(np.float32), runner(onnx))
    kept.clear()
    work.progress(4, 4, **found["model"])
    return Trained(card, onnx, golden, report, dict(card.parameters), work.folder)


def _own(spec: TrainingSpec) -> Spec:
    assert isinstance(spec, Spec), "a specification of another task"
    return spec


def _first_card(
    work: Work, spec: Spec, columns: list[FrozenColumn], target: FrozenColumn, fit: Table
) -> Card:
    """All that is known before anything is chosen. Raises InputError."""
    frozen, now = work.frozen, (work.now_us or now_us)()
    return Card(
        name=work.name,
        version=1,
        task="regression",
        algorithm=spec.algorithm,
        title_en=spec.title_en,
        title_zh=spec.title_zh,
        inputs=card_parts.inputs_of(columns, fit.inputs, frozen.step_us),
        outputs=[card_parts.output_of(spec, frozen, target, work.name, None)],
        period_s=(spec.period_us or frozen.step_us) / 1e6,
        coverage=spec.coverage,
        gate=card_parts.gates_of(spec, frozen),
        dataset=card_parts.source_of(frozen),
        licence=spec.licence,
        owner=spec.owner,
        created_us=now,
        expires_us=now + spec.expires_us,
    )


def _chosen_trees(
    work: Work, kept: Kept, card: Card, early: Table, late: Table
) -> tuple[str, Trees, list[dict[str, Any]]]:
    """Name, trees, and what each was good for."""
    spec = _own(work.spec)
    if spec.parameters is not None:
        return "as told", spec.parameters, []
    tried: list[dict[str, Any]] = kept.get("trees") or []
    for place, (name, trees) in enumerate(CANDIDATES.items()):
        if place < len(tried):
            continue
        tell = _teller(work, place / len(CANDIDATES), trees)
        stretch = _late(spec, boosting.fit(early.inputs, early.target, trees, tell), late)
        correction = usual(stretch, early.inputs, early.target, spec.correction)
        figure = stretch.figure(stretch.run(card, correction))
        tried.append({"trees": name, spec.metric: figure})
        kept.put("trees", tried)
    best = str(min(tried, key=lambda one: float(one[spec.metric]))["trees"])
    return best, CANDIDATES[best], tried


def _chosen_correction(
    work: Work, kept: Kept, card: Card, trees: Trees, early: Table, late: Table
) -> Chosen:
    if (there := kept.get("correction")) is not None:
        return Chosen.of_json(there)
    spec = _own(work.spec)
    booster = boosting.fit(early.inputs, early.target, trees, _teller(work, 1, trees))
    stretch = _late(spec, booster, late)
    among = corrections(stretch, early.inputs, early.target, spec.correction)
    chosen = choose(card, stretch, among, work.check_stopping)
    kept.put("correction", chosen.as_json())
    return chosen


def _late(spec: Spec, booster: Any, late: Table) -> Late:
    raw = boosting.predict(booster, late.inputs)
    return Late(late.series(raw), spec.label_delay_us, spec.metric)


def _corrected(card: Card, chosen: Chosen, late: Table) -> Card:
    """With the correction, the interval, and when the model is to be doubted: when its bias, or
    its error after correction, has reached the half width in which nine in ten errors lay."""
    output = card.outputs[0].model_copy(update={"half_width": chosen.half_width})
    times_us = late.rows.times_us
    labels = DRIFT_US / float(np.median(np.diff(times_us)))
    limit = chosen.half_width or None
    drift = Drift(window=int(min(500, max(8, labels))), bias=limit, error=limit)
    return card.model_copy(
        update={"correction": chosen.correction, "outputs": [output], "drift": drift}
    )


def _evaluated(
    work: Work, card: Card, booster: Any, trees: Trees,
    early: Table, late: Table, fit: Table, test: Table | None,
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """On the test, which the booster never saw; without one on the late part, by trees of the
    early one. Every figure, and on which rows."""
    known, seen, part = fit, test, "test"
    if seen is None:
        known, seen, part = early, late, "validation"
        booster = boosting.fit(early.inputs, early.target, trees)
    work.check_stopping()
    work.progress(3, 4)
    required = np.array([one.required for one in card.inputs])
    told = np.asarray(np.isfinite(seen.inputs[:, required]).all(axis=1), np.bool_)
    if not told.any():
        raise nothing_to_judge(part)
    seen = seen.where(told)
    series = seen.series(boosting.predict(booster, seen.inputs))
    linear = linear_fit(known.inputs, known.target, seen.inputs)
    delay_us = work.spec.label_delay_us
    mean = float(known.target.mean())
    found = evaluate(card, series, linear, mean, delay_us, work.check_stopping)
    return found, rows_in_words(part, series, delay_us)


def _check_graph(booster: Any, onnx: bytes, fit: Table) -> None:
    """The graph is the model. Raises LianjiError."""
    some = fit.inputs[:: max(1, len(fit.inputs) // 1000)]
    given = runner(onnx)(some.astype(np.float32))[:, 0]
    apart = float(np.abs(given - boosting.predict(booster, some)).max())
    if apart > GRAPH_TOLERANCE * max(float(fit.target.std()), 1e-9):
        raise LianjiError(
            "training-graph",
            Text(
                f"The ONNX graph is up to {apart:.3g} away from the model.",
                f"ONNX 图与模型最多相差 {apart:.3g}。",
            ),
            Text("Grow fewer trees, or report this.", "请减少树的数量，或报告此问题。"),
        )


def _teller(work: Work, begun: float, trees: Trees) -> Any:
    """What growing trees tells of the stage that begins at ``begun`` of four."""

    def tell(done: int) -> None:
        work.check_stopping()
        work.progress(begun + done / trees.rounds / len(CANDIDATES), 4)

    return tell
