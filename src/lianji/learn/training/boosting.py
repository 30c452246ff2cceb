"""Boosted trees (LightGBM) and their ONNX graph, which gives what LightGBM gives.

The graph computes in float32. Inputs are rounded to it before training, and each threshold is
rounded down to it afterwards, so that no row takes another branch: for x in float32, x <= t and
x <= (t rounded down) are the same. What is left is the rounding of a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lianji.learn.training.extra import needed

Floats = NDArray[np.float64]
OPSET = 15
TOLD_EVERY = 25
"""Trees between two words about how far it is."""


class Trees(BaseModel):
    """How trees are grown; the names and meanings are LightGBM's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    objective: Literal["l1", "l2"] = "l1"
    """l1 foretells the median and shrugs off outliers, l2 the mean."""
    rounds: int = Field(default=600, ge=1, le=10_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=31, ge=2, le=1024)
    min_data_in_leaf: int = Field(default=40, ge=1)
    extra_trees: bool = True
    feature_fraction: float = Field(default=1.0, gt=0, le=1)
    bagging_fraction: float = Field(default=1.0, gt=0, le=1)
    lambda_l2: float = Field(default=0.0, ge=0)
    max_bin: int = Field(default=255, ge=15, le=65_535)
    seed: int = Field(default=1, ge=0)


SMOOTH = Trees()
PLAIN = Trees(objective="l2", num_leaves=15, extra_trees=False)
FINE = Trees(
    objective="l2", rounds=1000, learning_rate=0.03, num_leaves=63, min_data_in_leaf=3,
    extra_trees=False, feature_fraction=0.75, bagging_fraction=0.7, lambda_l2=1, max_bin=1023,
)  # fmt: skip
CANDIDATES = {"smooth": SMOOTH, "plain": PLAIN, "fine": FINE}
"""What is tried where the specification does not say how trees are to be grown."""


def fit(
    inputs: Floats, target: Floats, trees: Trees, tell: Callable[[int], None] = lambda _: None
) -> Any:
    """A booster of inputs [rows, inputs] and target [rows]. One thread, so that the same rows give
    the same trees on any machine. ``tell`` hears the number of trees; what it raises ends it."""
    lightgbm = needed("lightgbm")
    parameters = trees.model_dump(exclude={"rounds"}) | {
        "bagging_freq": 1 if trees.bagging_fraction < 1 else 0,
        "min_data_in_bin": 1 if trees.max_bin > 255 else 3,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "verbose": -1,
    }

    def heard(environment: Any) -> None:
        if environment.iteration % TOLD_EVERY == 0:
            tell(environment.iteration)

    rows = lightgbm.Dataset(single(inputs), target)
    return _rounded(lightgbm.train(parameters, rows, trees.rounds, callbacks=[heard]))


def predict(booster: Any, inputs: Floats) -> Floats:
    """[rows, inputs] -> [rows]."""
    foretold: Floats = booster.predict(single(inputs), num_threads=1)
    return foretold


def to_onnx(booster: Any, inputs: int) -> bytes:
    """``x`` float32 [N, inputs] -> ``y`` float32 [N, 1]; NaN is a missing value."""
    needed("onnx")
    convert = needed("onnxmltools.convert")
    types = needed("onnxmltools.convert.common.data_types")
    model = convert.convert_lightgbm(
        booster,
        name="model",
        initial_types=[("x", types.FloatTensorType([None, inputs]))],
        zipmap=False,
        target_opset=OPSET,
    )
    opsets = sorted(model.opset_import, key=lambda one: one.domain)  # out of a set: any order
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    graph = model.graph
    old = graph.output[0].name
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == old:
                node.output[place] = "y"
    graph.output[0].name = "y"
    graph.output[0].type.tensor_type.shape.dim[0].dim_param = "N"
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def single(values: Floats) -> Floats:
    """Rounded to float32, as the graph sees them."""
    rounded: Floats = values.astype(np.float32).astype(np.float64)
    return rounded


def _rounded(booster: Any) -> Any:
    """The same booster with each threshold rounded down to float32. (``tree_sizes`` are bytes that
    help to read many trees in parallel; they would no longer be so.)"""
    lines = booster.model_to_string().split("\n")
    lines = [line for line in lines if not line.startswith("tree_sizes=")]
    for place, line in enumerate(lines):
        if line.startswith("threshold="):
            texts = line.removeprefix("threshold=").split()
            lines[place] = "threshold=" + " ".join(_floor(float(text)) for text in texts)
    lightgbm = needed("lightgbm")
    return lightgbm.Booster(model_str="\n".join(lines))


def _floor(threshold: float) -> str:
    if not np.isfinite(threshold) or abs(threshold) > np.finfo(np.float32).max:
        return repr(threshold)
    near = np.float32(threshold)
    below = near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))
    return repr(float(below))
