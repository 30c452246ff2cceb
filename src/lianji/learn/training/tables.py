"""The rows of a training as arrays: an early and a late part to choose on, and the test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.training import card_parts
from lianji.learn.training.boosting import single
from lianji.learn.training.frozen import Floats, Rows
from lianji.learn.training.replay import Series
from lianji.learn.training.work import Work

ROWS_MIN = 200
LATE_SHARE = 1 / 3
"""Of the training, where the data set has no validation part."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with what goes in and the target, in the order of time."""

    rows: Rows
    inputs: Floats
    target: Floats

    def then(self, later: Table) -> Table:
        """These rows and those behind them."""
        return Table(
            Rows(np.concatenate([self.rows.times_us, later.rows.times_us]), {}),
            np.concatenate([self.inputs, later.inputs]),
            np.concatenate([self.target, later.target]),
        )

    def where(self, chosen: NDArray[np.bool_]) -> Table:
        """Those rows alone."""
        return Table(self.rows.where(chosen), self.inputs[chosen], self.target[chosen])

    def series(self, raw: Floats) -> Series:
        return Series(self.rows.times_us, self.inputs, raw, self.target)


def tables_of(
    work: Work, columns: list[FrozenColumn], target: FrozenColumn
) -> tuple[Table, Table, Table | None]:
    """Early and late part of the training, and the test where there is one. Raises InputError."""
    frozen, spec = work.frozen, work.spec
    names = [one.name for one in columns]

    def table(rows: Rows) -> Table:
        rows = card_parts.gated(rows, spec.gate, frozen)
        rows = rows.where(np.isfinite(rows.values[target.name]))
        return Table(rows, single(rows.matrix(names)), rows.values[target.name])

    if "train" not in frozen.parts:
        raise no_split(frozen.manifest.name)
    train_rows = frozen.parts["train"]
    if "validation" in frozen.parts:
        early, late = table(train_rows), table(frozen.parts["validation"])
    else:
        whole = table(train_rows)
        cut = np.arange(len(whole.target)) < round(len(whole.target) * (1 - LATE_SHARE))
        early, late = whole.where(cut), whole.where(~cut)
    if min(len(early.target), len(late.target)) < ROWS_MIN:
        raise too_few(len(early.target), len(late.target))
    test = table(frozen.parts["test"]) if "test" in frozen.parts else None
    return early, late, test if test is not None and len(test.target) else None


def no_split(name: str) -> InputError:
    return InputError(
        "training-needs-split",
        Text(f"The data set {name} is not split.", f"数据集 {name} 没有划分。"),
        Text(
            "Split it by time: at least train and test.", "请按时间划分：至少包括 train 和 test。"
        ),
    )


def nothing_to_judge(part: str) -> InputError:
    return InputError(
        "training-test-empty",
        Text(
            f"No row of the part {part} has all the inputs that the training always had.",
            f"{part} 部分没有一行具备训练中始终存在的全部输入。",
        ),
        Text(
            "Leave out the inputs that are no longer measured, or take another range.",
            "请去掉不再测量的输入，或更换时间范围。",
        ),
    )


def too_few(early: int, late: int) -> InputError:
    return InputError(
        "training-too-few-rows",
        Text(
            f"Only {early} and {late} rows have a target in the early and the late part of the "
            f"training.",
            f"训练数据前段和后段分别只有 {early} 行和 {late} 行有目标值。",
        ),
        Text(
            f"Take a longer range: {ROWS_MIN} are needed in each.",
            f"请选择更长的时间范围：各至少 {ROWS_MIN} 行。",
        ),
    )
