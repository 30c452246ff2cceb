"""What is chosen before the test is looked at: how trees are grown, how late labels correct them,
how wide the interval begins. All of it on a stretch that is later than what the trees learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianji.learn.models.card import Card, Correction
from lianji.learn.models.intervals import quantile
from lianji.learn.training.figures import mae, rmse
from lianji.learn.training.frozen import Floats
from lianji.learn.training.replay import Series, replay

WINDOW = 500
EVERY = 12
"""Rows answered together while choosing: twelve times quicker."""
FORGETTING = (0.8, 0.95, 0.98)
_LENGTHS, _AGES, _NOISES = (0.25, 0.5), (300.0, 1500.0), (0.2, 0.4)
METRICS: dict[str, Callable[[Floats, Floats], float]] = {"mae": mae, "rmse": rmse}


@dataclass(frozen=True, slots=True)
class Chosen:
    """``tried`` says what else there was, and how good each was on the late stretch."""

    correction: Correction | None
    half_width: float
    figure: float
    tried: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        correction = self.correction.model_dump() if self.correction else None
        return {"correction": correction, "half_width": self.half_width, "figure": self.figure,
                "tried": self.tried}  # fmt: skip

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Chosen:
        correction = told["correction"]
        read = None if correction is None else Correction.model_validate(correction)
        return cls(**{**told, "correction": read})


@dataclass(frozen=True, slots=True)
class Late:
    """The late stretch: its rows, how late labels are, and what is looked at."""

    series: Series
    delay_us: int | None
    metric: str

    def figure(self, said: Floats) -> float:
        return METRICS[self.metric](self.series.labels, said)

    def run(self, card: Card, correction: Correction | None) -> Floats:
        """What a card would have said with another correction."""
        changed = card.model_copy(update={"correction": correction})
        return replay(changed, self.series, self.delay_us, EVERY).values


def corrections(late: Late, known: Floats, target: Floats, kinds: str) -> list[Correction | None]:
    """What may be tried. ``known`` [rows, inputs] and ``target`` [rows] are those of the training;
    ``kinds`` is ``auto``, ``none``, or the one kind that the specification asks for."""
    if late.delay_us is None or kinds == "none":
        return [None]
    limit = _limit(target)
    bias = [Correction(forgetting=one, limit=limit) for one in FORGETTING]
    local = [
        gaussian_process(late, known, limit, length, age, noise)
        for length in _LENGTHS for age in _AGES for noise in _NOISES
    ]  # fmt: skip
    by_kind: dict[str, list[Correction]] = {"bias": bias, "gaussian_process": local}
    return [None, *bias, *local] if kinds == "auto" else [*by_kind[kinds]]


def gaussian_process(
    late: Late, known: Floats, limit: float, length: float, age: float, noise: float
) -> Correction:
    """``length`` in units of how far two rows of the training are apart, ``age`` in labels,
    ``noise`` as a share of what the uncorrected residuals vary; the rest is half shared by all
    rows, half local."""
    centres = np.nanmean(known, axis=0)
    scales = np.nanstd(known, axis=0)
    scales[scales < 1e-9 * (1 + np.abs(centres))] = 1.0
    residuals = late.series.labels - late.series.raw
    varies = max(float(np.nanmean(residuals**2)), 1e-12)
    return Correction(
        kind="gaussian_process",
        limit=limit,
        window=WINDOW,
        ahead=ahead(late),
        centres=centres.tolist(),
        scales=scales.tolist(),
        length=length * float(np.sqrt(2 * known.shape[1])),
        age=age,
        constant_variance=varies * (1 - noise) / 2,
        local_variance=varies * (1 - noise) / 2,
        noise_variance=varies * noise,
    )


def usual(late: Late, known: Floats, target: Floats, kinds: str) -> Correction | None:
    """One correction for comparing trees by."""
    if late.delay_us is None or kinds == "none":
        return None
    if kinds == "bias":
        return Correction(forgetting=FORGETTING[1], limit=_limit(target))
    return gaussian_process(late, known, _limit(target), _LENGTHS[1], _AGES[1], _NOISES[1])


def ahead(late: Late) -> float:
    """How many labels are still out when a row is answered."""
    times_us = late.series.times_us[np.isfinite(late.series.labels)]
    if late.delay_us is None or len(times_us) < 2:
        return 0.0
    return late.delay_us / float(np.median(np.diff(times_us)))


def choose(
    card: Card, late: Late, among: list[Correction | None],
    check: Callable[[], None] = lambda: None,
) -> Chosen:  # fmt: skip
    """The best of them, the earlier where two are alike; the half width is that of its errors.
    ``check`` is called before each and may end it by what it raises."""
    best: tuple[float, Correction | None, Floats] | None = None
    tried = []
    for correction in among:
        check()
        said = late.run(card, correction)
        figure = late.figure(said)
        tried.append({"correction": _named(correction), late.metric: figure})
        if best is None or figure < best[0]:
            best = figure, correction, said
    assert best is not None, "nothing to choose among"
    errors = np.abs(late.series.labels - best[2])
    known = np.sort(errors[np.isfinite(errors)]).tolist()
    return Chosen(best[1], quantile(known, card.coverage), best[0], tried)


def _limit(target: Floats) -> float:
    """Half of what the target spans: more than that is no correction but another model."""
    low, high = np.quantile(target, (0.001, 0.999))
    return max(float(high - low) / 2, 1e-9)


def _named(correction: Correction | None) -> str:
    if correction is None:
        return "none"
    if correction.kind == "bias":
        return f"bias, forgetting {correction.forgetting:g}"
    noise = correction.noise_variance / (
        correction.noise_variance + correction.local_variance + correction.constant_variance
    )
    return (
        f"gaussian process, length {correction.length:.3g}, age {correction.age:g}, "
        f"noise {noise:.2g}"
    )
