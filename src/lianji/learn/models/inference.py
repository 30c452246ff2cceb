"""A model that runs: ONNX Runtime on the best chip there is, checked before it is believed.

    model = Model.open(bundle)
    check_golden(model, bundle.golden)
    y = model.run(x)                    # float32 [rows, inputs] -> float32 [rows, outputs]

One thread a model: a model beside a machine is small, and there may be a hundred of them. ONNX
Runtime is loaded when the first model is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.learn.models.bundle import Bundle, Golden
from lianji.learn.models.card import Card
from lianji.learn.models.graph import check_graph_content, graph_invalid

Rows = NDArray[np.float32]
PREFERENCE = (
    "TensorrtExecutionProvider",
    "NvTensorRTRTXExecutionProvider",
    "CUDAExecutionProvider",
    "MIGraphXExecutionProvider",
    "ROCMExecutionProvider",
    "CANNExecutionProvider",
    "QNNExecutionProvider",
    "VitisAIExecutionProvider",
    "OpenVINOExecutionProvider",
    "CoreMLExecutionProvider",
    "DmlExecutionProvider",
    "ACLExecutionProvider",
    "XnnpackExecutionProvider",
    "DnnlExecutionProvider",
    "CPUExecutionProvider",
)
"""Execution providers, the quickest first. Azure's is not among them: it asks a cloud."""
CPU = PREFERENCE[-1]
_EXACT = {
    "CUDAExecutionProvider": {"use_tf32": "0"},
    "CANNExecutionProvider": {"precision_mode": "allow_fp32_to_fp16"},
}
"""Options without which a provider rounds float32 to 10 bits by default."""
_FLOAT = "tensor(float)"
_ERRORS_ONLY = 3


class Model:
    """A session of ONNX Runtime. ``run`` may be called by many threads."""

    def __init__(self, session: Any, inputs: int, outputs: int) -> None:
        """Of a session whose shapes were looked at: see ``open``."""
        self._session = session
        self._one_by_one = session.get_inputs()[0].shape[0] == 1
        self.inputs, self.outputs = inputs, outputs
        self.provider = str(session.get_providers()[0]).removesuffix("ExecutionProvider")
        """What it runs on: ``CPU``, ``CUDA``, ``CANN`` ..."""

    @classmethod
    def open(cls, bundle: Bundle, providers: Sequence[str] | None = None) -> Model:
        """Ready to run; ``providers`` by order of preference, by default the best that are there,
        and the CPU where those cannot open it.

        Raises InputError: ``model-graph-invalid``, ``providers-missing`` where none of those that
        were asked for is there.
        """
        return _opened(bundle.onnx, bundle.card, providers)

    def run(self, rows: Rows) -> Rows:
        """float32 [rows, inputs], NaN where nothing is known -> float32 [rows, outputs].

        Raises InputError ``model-rows-invalid`` for another shape or type, ``model-failed`` for
        rows that the graph cannot work on.
        """
        if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise _wrong_rows(rows, self.inputs)
        if self._one_by_one and len(rows) != 1:
            parts = [self._run(rows[n : n + 1]) for n in range(len(rows))]
            return np.concatenate([np.empty((0, self.outputs), np.float32), *parts])
        return self._run(rows)

    def _run(self, rows: Rows) -> Rows:
        try:
            [found] = self._session.run(("y",), {"x": rows})
        except Exception as error:
            raise _failed(error) from error
        if found.shape != (len(rows), self.outputs):
            raise graph_invalid(_shaped(found.shape, (len(rows), self.outputs)))
        return np.asarray(found, np.float32)


def available() -> list[str]:
    """The execution providers of this machine's ONNX Runtime, best first."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [one for one in PREFERENCE if one in there]


def check_graph(onnx: bytes, card: Card) -> None:
    """Raises InputError ``model-graph-invalid`` for a graph that is not safe, or whose input and
    output are not those of the card: it is opened on the CPU and run once."""
    model = _opened(onnx, card, [CPU])
    middle = [[(one.low + one.high) / 2 for one in card.inputs]] * 2
    try:
        model.run(np.asarray(middle, np.float32))
    except InputError as error:
        raise graph_invalid(_sentence(error)) from error


def check_golden(model: Model, golden: Golden) -> float:
    """Run the golden rows; the largest deviation as a share of what is allowed.

    Raises InputError ``golden-mismatch`` where an output differs by more than
    ``absolute + relative * |expected|``, is NaN, or where the rows do not fit the model.
    """
    if not golden.inputs or len(golden.inputs) != len(golden.outputs):
        raise _mismatch(
            Text("it has no golden rows, or not as many outputs", "缺少校验向量或数量不符")
        )
    if any(len(row) != model.inputs for row in golden.inputs) or any(
        len(row) != model.outputs for row in golden.outputs
    ):
        raise _mismatch(Text("its golden rows are not of its columns", "校验向量的列数不符"))
    rows = np.array(
        [[np.nan if v is None else v for v in row] for row in golden.inputs], np.float32
    )
    expected = np.array(golden.outputs, np.float64)
    found = model.run(rows).astype(np.float64)
    allowed = golden.absolute + golden.relative * np.abs(expected)
    shares = np.abs(found - expected) / np.maximum(allowed, np.finfo(np.float64).tiny)
    if not np.all(shares <= 1):  # NaN is neither
        row, column = np.argwhere(~(shares <= 1))[0]
        raise _mismatch(
            Text(
                f"row {row + 1} gives {found[row, column]:.9g}, not {expected[row, column]:.9g}",
                f"第 {row + 1} 行得到 {found[row, column]:.9g}，应为 {expected[row, column]:.9g}",
            )
        )
    return float(shares.max())


def _opened(onnx: bytes, card: Card, providers: Sequence[str] | None) -> Model:
    check_graph_content(onnx)
    chosen = _chosen(providers)
    try:
        session = _session(onnx, chosen)
    except InputError:
        if providers is not None or chosen == [CPU]:
            raise
        session = _session(onnx, [CPU])
    _check_shape(session.get_inputs(), "x", len(card.inputs))
    _check_shape(session.get_outputs(), "y", len(card.outputs))
    return Model(session, len(card.inputs), len(card.outputs))


def _session(onnx: bytes, chosen: Sequence[str]) -> Any:
    import onnxruntime

    named = [(one, _EXACT.get(one, {})) for one in chosen]
    try:
        return onnxruntime.InferenceSession(onnx, _options(), providers=named)
    except Exception as error:
        why = _first_line(error)
        said = Text(f"ONNX Runtime says: {why}", f"ONNX Runtime 报告：{why}")
        raise graph_invalid(said) from error


def _options() -> Any:
    """One thread that sleeps between runs, and no arena: a hundred models share one process."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _chosen(asked: Sequence[str] | None) -> list[str]:
    there = available()
    if asked is None:
        return there
    found = [one for one in asked if one in there]
    if not found:
        raise InputError(
            "providers-missing",
            Text(
                f"ONNX Runtime has none of {', '.join(asked)} here.",
                f"本机 ONNX Runtime 不支持 {', '.join(asked)}。",
            ),
            Text(
                f"There are: {', '.join(there)}. Others need their own build of onnxruntime.",
                f"可用：{', '.join(there)}。其他后端需安装对应的 onnxruntime 版本。",
            ),
        )
    return found if CPU in found else [*found, CPU]


def _check_shape(found: Sequence[Any], name: str, columns: int) -> None:
    if len(found) != 1 or found[0].name != name or found[0].type != _FLOAT:
        listed = ", ".join(f"{one.name} {one.type}" for one in found)[:200]
        raise graph_invalid(
            Text(
                f"it has {listed} where {name} {_FLOAT} belongs",
                f"应为 {name} {_FLOAT}，实为 {listed}",
            )
        )
    shape = found[0].shape
    rows_fit = len(shape) == 2 and (not isinstance(shape[0], int) or shape[0] == 1)
    if not rows_fit or (isinstance(shape[1], int) and shape[1] != columns):
        raise graph_invalid(_shaped(tuple(shape), ("rows", columns), name))


def _shaped(found: tuple[Any, ...], wanted: tuple[Any, ...], name: str = "y") -> Text:
    return Text(f"{name} is {found}, not {wanted}", f"{name} 的形状为 {found}，应为 {wanted}")


def _wrong_rows(rows: Any, inputs: int) -> InputError:
    found = f"{rows.dtype} {rows.shape}"
    return InputError(
        "model-rows-invalid",
        Text(
            f"The model takes float32 [rows, {inputs}]; it was given {found}.",
            f"模型输入应为 float32 [行数, {inputs}]，实为 {found}。",
        ),
        Text("Give it the columns of its card, in their order.", "请按模型卡中的列顺序提供数据。"),
    )


def _failed(error: Exception) -> InputError:
    why = _first_line(error)
    return InputError(
        "model-failed",
        Text(f"The model cannot work on these rows: {why}", f"模型无法处理这些数据：{why}"),
        Text(
            "Check the model with `lianji model verify`.", "请用 `lianji model verify` 检查模型。"
        ),
    )


def _mismatch(why: Text) -> InputError:
    return InputError(
        "golden-mismatch",
        Text(
            f"The model does not give here what it gave where it was made: {why.en}.",
            f"模型在本机的输出与训练时不一致：{why.zh}。",
        ),
        Text(
            "Do not run it here. Export it again, or bring ONNX Runtime to the same version.",
            "请勿在本机运行。请重新导出，或统一 ONNX Runtime 版本。",
        ),
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _sentence(error: InputError) -> Text:
    return Text(error.cause.en.rstrip("."), error.cause.zh.rstrip("。"))
