"""How the anomaly detector's constants were chosen: on faults put into a run without faults.

SKAB has 9,405 rows of normal operation that belong to no test. Stretches of 1,150 rows are cut from
it; the first 400 are learnt from, and between rows 570 and 970 one to three signals are moved by
half to twenty of their standard deviations, over a ramp of up to two minutes. Windows and rule with
the best F1 there are the defaults; the budget, one alarm a day, was set beforehand. The last rows
tell what all other choices would have given on SKAB: how much the choice matters.
"""

from __future__ import annotations

from itertools import product
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from bench.harness import Row
from lianji.learn.models.events import AGAIN, END, Rule, alarmed
from lianji.learn.training.anomaly_limits import fit_limits, score_of
from lianji.learn.training.anomaly_rivals import figures_of
from tests.learn.training.test_skab import ALARMS_A_WEEK, SPANS_S, TRAINED, experiments
from tests.peers import need_data

Floats = NDArray[np.float64]
Scenario = tuple[Floats, NDArray[np.bool_]]
ROWS, BEGIN, END_ROW = 1150, 570, 970
DRAWS = ((10, 150), (11, 130), (12, 170), (13, 140))
"""Seeds, and how far stretches begin apart."""
WINDOWS = ((10, 30, 90), (10, 20, 40, 80), (10, 40), (10, 30))
ENDS, AGAINS = (0.4, 0.5, 0.6, 0.7), (1.0, 1.25, 1.5, 2.0)
BUDGET = ALARMS_A_WEEK / 604_800


def run() -> list[Row]:
    made = [one for seed, step in DRAWS for one in _scenarios(seed, step)]
    simulated, real = _all_figures(made), _all_figures(experiments())
    best = max(simulated, key=lambda one: simulated[one]["f1"])
    ours = (SPANS_S, END, AGAIN)
    f1 = [one["f1"] for one in real.values()]
    far = [one["far"] for one in real.values()]
    return [
        Row("simulated faults", len(made), "stretches"),
        Row("best F1 on simulated faults", simulated[best]["f1"], "", note=_words(best)),
        Row("our defaults' F1 there", simulated[ours]["f1"], "", note=_words(ours)),
        Row("SKAB, the best's F1", real[best]["f1"], "", goal=">= 0.85"),
        Row("SKAB, the best's false alarm rate", real[best]["far"], "", goal="<= 0.15"),
        Row("SKAB, F1 of all choices", float(np.median(f1)), "", note=_range(f1)),
        Row("SKAB, false alarms of all choices", float(np.median(far)), "", note=_range(far)),
    ]


def _scenarios(seed: int, step: int) -> list[Scenario]:
    path = need_data("skab", "data", "anomaly-free", "anomaly-free.csv")
    normal = np.genfromtxt(path, delimiter=";", skip_header=1, usecols=range(1, 9))
    rng = np.random.default_rng(seed)
    places = range(0, len(normal) - ROWS, step)
    return [_with_fault(normal[place : place + ROWS].copy(), rng) for place in places]


def _with_fault(values: Floats, rng: np.random.Generator) -> Scenario:
    spread, row = values[:TRAINED].std(axis=0), np.arange(ROWS)
    for signal in rng.choice(8, rng.integers(1, 4), replace=False):
        size = exp(rng.uniform(log(0.5), log(20))) * rng.choice([-1, 1])
        up, down = rng.uniform(1, 120, 2)
        rise = np.clip((row - BEGIN) / up, 0, 1)
        fall = np.clip((row - (END_ROW - down)) / down, 0, 1)
        values[:, signal] += size * spread[signal] * rise * (1 - fall)
    return values, (row >= BEGIN) & (row < END_ROW)


def _all_figures(
    given: list[Scenario],
) -> dict[tuple[tuple[int, ...], float, float], dict[str, float]]:
    """Of every choice, over all rows after the first 400 together."""
    truth = np.concatenate([wrong[TRAINED:] for _, wrong in given])
    found = {}
    for spans in WINDOWS:
        scores = [_scores(values, spans) for values, _ in given]
        for end, again in product(ENDS, AGAINS):
            flags = [alarmed(one, Rule(end, again)) for one in scores]
            found[spans, end, again] = figures_of(truth, np.concatenate(flags))
    return found


def _scores(values: Floats, spans: tuple[int, ...]) -> Floats:
    inside = np.ones(TRAINED, bool)
    limits = fit_limits(values[:TRAINED], inside, spans, BUDGET, Rule())
    return score_of(limits.contributions(values))[TRAINED:]


def _words(choice: tuple[tuple[int, ...], float, float]) -> str:
    spans, end, again = choice
    return f"windows {', '.join(map(str, spans))} s; end {end}; again {again}"


def _range(values: list[float]) -> str:
    return f"the median; {min(values):.3f} to {max(values):.3f}"
