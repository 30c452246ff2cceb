"""Golden rows for a model that came without: spread over its envelope, answered here and now.

They hold an edge to what this machine finds; what training found is better where it is known.
"""

from __future__ import annotations

import numpy as np

from lianji.base.errors import InputError, Text
from lianji.learn.models.bundle import Golden
from lianji.learn.models.card import Card
from lianji.learn.models.inference import Model

ROWS = 16
_GOLDEN_RATIO = 0.6180339887498949


def made_golden(model: Model, card: Card) -> Golden:
    """Both corners, and rows in between that fill the envelope evenly in every column (a Kronecker
    sequence); where inputs may be missing, a last row without them.

    Raises InputError ``golden-not-finite`` where the model gives NaN or infinity for such a row.
    """
    low = np.array([one.low for one in card.inputs])
    high = np.array([one.high for one in card.inputs])
    number, column = np.arange(ROWS)[:, None], np.arange(len(low))[None, :]
    share = (number * _GOLDEN_RATIO + column / len(low)) % 1
    share[0], share[1] = 0, 1
    rows = (low + share * (high - low)).astype(np.float32)
    optional = [not one.required for one in card.inputs]
    if any(optional):
        rows = np.vstack([rows, rows[-1:]])
        rows[-1, optional] = np.nan
    found = model.run(rows)
    if not np.isfinite(found).all():
        raise _not_finite()
    inputs = [[None if np.isnan(v) else float(v) for v in row] for row in rows]
    return Golden(inputs=inputs, outputs=found.astype(float).tolist())


def _not_finite() -> InputError:
    return InputError(
        "golden-not-finite",
        Text(
            "Within its envelope the model gives numbers that are none (NaN or infinity).",
            "模型在其适用范围内输出了非数值（NaN 或无穷大）。",
        ),
        Text(
            "Mend the model, or mark inputs without which it cannot work as required.",
            "请修正模型，或将不可缺少的输入标记为 required。",
        ),
    )
