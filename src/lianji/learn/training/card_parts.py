"""The parts of a card that every task fills alike, from the frozen columns and the specification.

The envelope of an input is its 0.1 % and 99.9 % quantiles in training. Smallest and largest would
be set by a single glitch of a sensor, and then nothing would ever be outside; so 0.2 % of the
training lie outside each, far below ``Drift.outside``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lianji.base.errors import InputError, Text
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.models.card import DataSource, Gate, Input, Output
from lianji.learn.training.frozen import Floats, Frozen, Rows
from lianji.learn.training.spec import GateSpec, TrainingSpec

ENVELOPE = (0.001, 0.999)
_LAST = ("last", 0)
_AGGREGATES: dict[str, tuple[str, int]] = {
    "average": ("mean", 1),
    "time_average": ("mean", 1),
    "time_average2": ("mean", 1),
    "minimum": ("min", 1),
    "minimum2": ("min", 1),
    "maximum": ("max", 1),
    "maximum2": ("max", 1),
    "standard_deviation_sample": ("std", 1),
    "standard_deviation_population": ("std", 1),
    "delta": ("delta", 1),
    "delta_bounds": ("delta", 1),
    "end": _LAST,
    "end_bound": _LAST,
}
"""Of a column: what an edge does for it, and over how many steps."""
_AT_BEGIN = ("interpolative", "start", "start_bound")
"""Known a step before the others."""


def columns_for(spec: TrainingSpec, frozen: Frozen) -> tuple[list[FrozenColumn], FrozenColumn]:
    """The inputs in their order, and the target. Raises InputError."""
    target = frozen.column(spec.target or frozen.manifest.spec.target or _no_target())
    asked = [frozen.column(name) for name in spec.inputs] or [
        one for one in frozen.manifest.columns if one != target
    ]
    gates = {one.column for one in spec.gate}
    inputs = [one for one in asked if spec.inputs or not {one.name, one.tag} & gates]
    if target in inputs or not inputs or len({one.name for one in inputs}) != len(inputs):
        raise InputError(
            "training-inputs",
            Text(
                "The inputs are none, hold one twice or hold the target.",
                "输入列为空、重复，或包含目标列。",
            ),
            Text("Name other columns as inputs.", "请在 inputs 中写其他列。"),
        )
    return inputs, target


def gated(rows: Rows, gates: Sequence[GateSpec], frozen: Frozen) -> Rows:
    """The rows of the operating state in which the model is to speak."""
    open_ = np.ones(len(rows), bool)
    for gate in gates:
        values = rows.values[frozen.column(gate.column).name]
        open_ &= np.isfinite(values)
        open_ &= values >= (-np.inf if gate.low is None else gate.low)
        open_ &= values <= (np.inf if gate.high is None else gate.high)
    return rows.where(open_)


def gates_of(spec: TrainingSpec, frozen: Frozen) -> list[Gate]:
    return [Gate(tag=frozen.column(one.column).tag, low=one.low, high=one.high)
            for one in spec.gate]  # fmt: skip


def inputs_of(columns: Sequence[FrozenColumn], rows: Floats, step_us: int) -> list[Input]:
    """With the envelope of ``rows`` [rows, inputs]. An input that is always there in training is
    required. Raises InputError."""
    return [_input(one, rows[:, place], step_us) for place, one in enumerate(columns)]


def output_of(
    spec: TrainingSpec, frozen: Frozen, target: FrozenColumn, name: str, half_width: float | None
) -> Output:
    """The tag that foretells ``target``."""
    told = spec.output
    return Output(
        name=name,
        tag=told.tag or f"{frozen.manifest.source.site}/models/{name}",
        unit=target.unit if told.unit is None else told.unit,
        kind="step" if target.kind == "step" else "linear",
        low=target.low if told.low is None else told.low,
        high=target.high if told.high is None else told.high,
        half_width=half_width,
        label=(spec.label or target.tag) if spec.label_delay_us else "",
        label_delay_s=(spec.label_delay_us or 0) / 1e6,
        title_en=told.title_en,
        title_zh=told.title_zh,
    )


def source_of(frozen: Frozen) -> DataSource:
    manifest = frozen.manifest
    return DataSource(name=manifest.name, version=manifest.version, hash=manifest.hash)


def _input(column: FrozenColumn, values: Floats, step_us: int) -> Input:
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError(
            "training-input-empty",
            Text(
                f"The column {column.name} has no value in the rows of the training.",
                f"列 {column.name} 在训练数据中没有值。",
            ),
            Text("Leave it out of the inputs.", "请从 inputs 中去掉该列。"),
        )
    aggregate, steps = _meaning(column)
    low, high = np.quantile(known, ENVELOPE)
    return Input.model_validate(
        {
            "name": column.name,
            "tag": column.tag,
            "unit": column.unit,
            "aggregate": aggregate,
            "window_s": steps * step_us / 1e6,
            "lag_s": step_us / 1e6 if column.aggregate in _AT_BEGIN else 0,
            "low": float(low),
            "high": float(high),
            "required": len(known) == len(values),
        }
    )


def _meaning(column: FrozenColumn) -> tuple[str, int]:
    if column.aggregate in _AT_BEGIN:
        return _LAST
    if column.aggregate not in _AGGREGATES:
        raise InputError(
            "training-aggregate",
            Text(
                f"An edge cannot work out {column.aggregate} of {column.tag} as it goes.",
                f"边缘端无法实时计算 {column.tag} 的 {column.aggregate}。",
            ),
            Text(
                "Take another aggregate in the data set: " + ", ".join(_AGGREGATES) + ".",
                "请在数据集中改用其他聚合：" + "、".join(_AGGREGATES) + "。",
            ),
        )
    return _AGGREGATES[column.aggregate]


def _no_target() -> str:
    raise InputError(
        "training-target",
        Text(
            "Neither the specification nor its data set names a target.",
            "规格和数据集均未指定目标列。",
        ),
        Text('Write target = "..." with the name of a column.', '请写 target = "列名"。'),
    )
