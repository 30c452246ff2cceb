"""Small models and their cards: y = 2 a - b, as one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from lianji.learn.models.bundle import Bundle, Golden
from lianji.learn.models.card import Card

MADE_US = 1_760_000_000_000_000
EXPIRES_US = 4_000_000_000_000_000
FLOAT = TensorProto.FLOAT
WEIGHTS = np.array([[2.0], [-1.0]], np.float32)


def card(**fields: Any) -> Card:
    """Of a model of two inputs and one output."""
    told: dict[str, Any] = {
        "name": "nox",
        "version": 1,
        "task": "regression",
        "algorithm": "linear",
        "inputs": [
            {"name": "a", "tag": "gt/a", "unit": "Cel", "low": 0, "high": 10},
            {"name": "b", "tag": "gt/b", "unit": "bar", "low": -1, "high": 1},
        ],
        "outputs": [{"name": "nox", "tag": "gt/nox", "unit": "mg/m3", "low": -5, "high": 50}],
        "created_us": MADE_US,
        "expires_us": EXPIRES_US,
    }
    return Card.model_validate(told | fields)


def graph(
    nodes: list[Any] | None = None,
    shapes: tuple[Any, Any] = (["rows", 2], ["rows", 1]),
    names: tuple[str, str] = ("x", "y"),
    kinds: tuple[int, int] = (FLOAT, FLOAT),
    weights: Any = WEIGHTS,
    domains: tuple[str, ...] = (),
) -> Any:
    """An ONNX model, by default y = x @ weights."""
    x, y = names
    nodes = nodes or [helper.make_node("MatMul", [x, "w"], [y])]
    inputs = [helper.make_tensor_value_info(x, kinds[0], shapes[0])]
    outputs = [helper.make_tensor_value_info(y, kinds[1], shapes[1])]
    tensors = [numpy_helper.from_array(weights, "w")]
    made = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(one, 1) for one in domains)]
    return helper.make_model(made, opset_imports=opsets, ir_version=10)


def onnx(**more: Any) -> bytes:
    content: bytes = graph(**more).SerializeToString()
    return content


def golden() -> Golden:
    return Golden(inputs=[[1, 0], [2, 0.5], [10, -1]], outputs=[[2], [3.5], [21]])


def draft(**fields: Any) -> Bundle:
    return Bundle(card(**fields), onnx(), golden())
