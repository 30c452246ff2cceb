"""LightGBM for forecasts: how many rounds, by walking forward through the rows of training.

The loss is the absolute error, as the metric's. Random thresholds (extra trees) and many weak
columns suit loads, which are noisy; both were chosen by the same walk, on the training rows of
three plants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.training.extra import needed

Floats = NDArray[np.float64]
ROUNDS = (50, 75, 100, 150, 200, 300)
FOLDS, FOLD_SHARE = 3, 6
"""The last 3 sixths of the rows, each foretold by a model of the rows before it."""
PARAMETERS: dict[str, str | int | float | bool] = {
    "objective": "l1",
    "learning_rate": 0.03,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "extra_trees": True,
    "seed": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True, slots=True)
class Grown:
    """``errors`` [rows of the folds]: true less foretold, by models that had not seen them."""

    booster: Any
    rounds: int
    errors: Floats


def grow(x: NDArray[np.float32], y: Floats, step: Callable[[], None]) -> Grown:
    """A model of ``x`` [rows, columns], in the order of time, for ``y`` [rows]. Calls ``step``
    before each of ``FOLDS + 1`` trainings. Raises InputError without LightGBM."""
    found: list[Floats] = []
    learnt = []
    for first, last in folds(len(y)):
        step()
        booster = _train(x[:first], y[:first], ROUNDS[-1])
        told = [booster.predict(x[first:last], num_iteration=rounds) for rounds in ROUNDS]
        found.append(y[first:last] - np.stack(told))
        learnt.append(first)
    errors = np.concatenate(found, axis=1)
    best = int(np.abs(errors).mean(axis=1).argmin())
    rounds = round(ROUNDS[best] * len(y) / float(np.mean(learnt)))
    step()
    return Grown(_train(x, y, rounds), rounds, errors[best])


def folds(rows: int) -> list[tuple[int, int]]:
    """First row and the row after the last of each part that is foretold."""
    size = rows // FOLD_SHARE
    return [(rows - n * size, rows - (n - 1) * size) for n in range(FOLDS, 0, -1)]


def _train(x: NDArray[np.float32], y: Floats, rounds: int) -> Any:
    lightgbm = needed("lightgbm")
    return lightgbm.train(PARAMETERS, lightgbm.Dataset(x, y), rounds)
