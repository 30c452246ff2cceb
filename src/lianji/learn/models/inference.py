"""A model that is run: an ONNX Runtime session of one thread, and whether it does what it must.

ONNX Runtime is imported when the first model is opened. The graph takes ``x`` float32
[rows, inputs] and gives ``y`` [rows, outputs].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.learn.models.bundle import Bundle, Golden
from lianji.learn.models.card import Card


class Model:
    """An opened graph. Calls are of one thread at a time."""

    def __init__(self, session: Any, outputs: int) -> None:
        self._session = session
        self._outputs = outputs

    @classmethod
    def open(cls, bundle: Bundle) -> Model:
        """Raises InputError for a graph that cannot be run or does not fit its card."""
        session = _session(bundle.onnx)
        _check(session, bundle.card)
        return cls(session, len(bundle.card.outputs))

    def run(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """[rows, inputs] -> [rows, outputs]. Raises InputError where the graph fails."""
        try:
            [found] = self._session.run(["y"], {"x": rows})
        except Exception as error:
            raise _graph(str(error)) from error
        shaped: NDArray[np.float32] = np.asarray(found, np.float32).reshape(len(rows), -1)
        if shaped.shape[1] != self._outputs:
            raise _graph(f"it gives {shaped.shape[1]} outputs")
        return shaped


def check_graph(onnx: bytes, card: Card) -> None:
    """Raises InputError for a graph that cannot be run or does not fit the card."""
    _check(_session(onnx), card)


def check_golden(model: Model, golden: Golden) -> None:
    """Raises InputError if the model finds other outputs here than where it was trained."""
    rows = np.array(
        [[np.nan if one is None else one for one in row] for row in golden.inputs], np.float32
    )
    if not len(rows):
        return
    found, expected = model.run(rows), np.array(golden.outputs, np.float64)
    if found.shape != expected.shape:
        raise _graph("its golden vectors have another shape")
    error = np.abs(found - expected)
    allowed = golden.absolute + golden.relative * np.abs(expected)
    if not np.all(error <= allowed):  # so that NaN is a difference too
        raise _mismatch(float(np.nanmax(error)) if np.isfinite(error).any() else float("nan"))


def _session(onnx: bytes) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _graph(str(error)) from error


def _check(session: Any, card: Card) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [one.name for one in inputs] != ["x"] or [one.name for one in outputs] != ["y"]:
        raise _graph("it must take x and give y")
    if inputs[0].type != "tensor(float)":
        raise _graph(f"x is {inputs[0].type}")
    columns = inputs[0].shape[-1]
    if isinstance(columns, int) and columns != len(card.inputs):
        raise _graph(f"it takes {columns} inputs, the card names {len(card.inputs)}")
    columns = outputs[0].shape[-1]
    if len(outputs[0].shape) > 1 and isinstance(columns, int) and columns != len(card.outputs):
        raise _graph(f"it gives {columns} outputs, the card names {len(card.outputs)}")


def _graph(why: str) -> InputError:
    return InputError(
        "model-graph",
        Text(f"The model's graph does not fit: {why[:300]}.", f"模型计算图不符：{why[:300]}。"),
        Text("Export the model again.", "请重新导出模型。"),
    )


def _mismatch(error: float) -> InputError:
    return InputError(
        "model-golden",
        Text(
            f"The model computes something else than where it was trained: off by {error:.3g}.",
            f"模型在此处的计算结果与训练时不一致：偏差 {error:.3g}。",
        ),
        Text(
            "Export it again; if it stays so, this machine's chip or runtime differs.",
            "请重新导出；若仍如此，说明本机芯片或运行库存在差异。",
        ),
    )
