"""ONNX graphs ``x`` float32 [rows, inputs] -> ``y`` float32 [rows, outputs]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.training.extra import needed

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

OPSET, OPSET_TREES, IR_VERSION = 17, 3, 8
"""What every ONNX Runtime since 1.15 runs."""


def limits_graph(centre: NDArray[np.float64], half: NDArray[np.float64]) -> bytes:
    """Score and contributions of ``centre`` [signals] and ``half`` [signals, windows].

    Inputs are the windows of the first signal, then those of the next. Outputs: the score, then a
    signal each. A missing input counts for nothing; the score is NaN where all are missing.
    """
    helper = needed("onnx.helper")
    signals, windows = half.shape
    node = helper.make_node
    constants: dict[str, NDArray[Any]] = {
        "centre": np.repeat(centre, windows).astype(np.float32),
        "weight": (1 / half).ravel().astype(np.float32),
        "zero": np.zeros(1, np.float32),
        "nan": np.full(1, np.nan, np.float32),
        "by_signal": np.array([-1, signals, windows], np.int64),
    }
    nodes = [
        node("Sub", ["x", "centre"], ["off"]),
        node("Abs", ["off"], ["distance"]),
        node("Mul", ["distance", "weight"], ["limits"]),
        node("IsNaN", ["x"], ["missing"]),
        node("Where", ["missing", "zero", "limits"], ["known"]),
        node("Reshape", ["known", "by_signal"], ["grouped"]),
        node("ReduceMax", ["grouped"], ["contributions"], axes=[2], keepdims=0),
        node("ReduceMax", ["contributions"], ["worst"], axes=[1], keepdims=1),
        node("Cast", ["missing"], ["lost"], to=1),
        node("ReduceMin", ["lost"], ["all_lost"], axes=[1], keepdims=1),
        node("Greater", ["all_lost", "zero"], ["nothing"]),
        node("Where", ["nothing", "nan", "worst"], ["score"]),
        node("Concat", ["score", "contributions"], ["y"], axis=1),
    ]
    return _model("limits", nodes, constants, signals * windows, 1 + signals)


def trees_graph(boosters: Sequence[Any], places: Sequence[Sequence[int]], inputs: int) -> bytes:
    """LightGBM's boosters side by side: each reads its ``places`` in the row, and is one output."""
    helper = needed("onnx.helper")
    needed("onnxmltools")
    nodes: list[Any] = []
    columns: list[str] = []
    constants: dict[str, NDArray[Any]] = {}
    for number, (booster, its) in enumerate(zip(boosters, places, strict=True)):
        graph = _trees(booster, len(its))
        prefix = f"m{number}_"
        constants[f"{prefix}places"] = np.array(its, np.int64)
        nodes.append(
            helper.make_node("Gather", ["x", f"{prefix}places"], [f"{prefix}rows"], axis=1)
        )
        inner = {graph.input[0].name: "rows", graph.output[0].name: "y"}
        for one in graph.node:
            for names in (one.input, one.output):
                names[:] = [name and prefix + inner.get(name, name) for name in names]
            one.name = prefix + one.name
        nodes += graph.node
        for tensor in graph.initializer:
            constants[prefix + tensor.name] = _array(tensor)
        columns.append(f"{prefix}y")
    nodes.append(helper.make_node("Concat", columns, ["y"], axis=1))
    return _model("trees", nodes, constants, inputs, len(boosters))


def _trees(booster: Any, inputs: int) -> GraphProto:
    from onnxmltools.convert import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    text = booster.model_to_string().replace("objective=regression_l1", "objective=regression")
    same = type(booster)(model_str=text)  # the loss is of no matter any more, and not known there
    made: ModelProto = convert_lightgbm(
        same, initial_types=[("x", FloatTensorType([None, inputs]))], target_opset=OPSET - 2
    )
    return made.graph


def _array(tensor: Any) -> NDArray[Any]:
    from onnx import numpy_helper

    array: NDArray[Any] = numpy_helper.to_array(tensor)
    return array


def _model(
    name: str, nodes: Sequence[Any], constants: dict[str, NDArray[Any]], inputs: int, outputs: int
) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, outputs])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_TREES)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    model.producer_name = "lianji"
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
