"""How often to save: often enough that a failure costs little, seldom enough that saving does.

Young, "A first order approximation to the optimum checkpoint interval", CACM 17(9), 1974; Daly,
"A higher order estimate of the optimum checkpoint interval", FGCS 22(3), 2006, equation 37.
"""

from __future__ import annotations

from math import isfinite, sqrt

from lianji.base.errors import InputError, Text


def interval_s(mtbf_s: float, cost_s: float) -> float:
    """Young's interval in seconds of work between two saves.

    ``mtbf_s`` is the mean time between failures of the whole job, ``cost_s`` what a save holds the
    training up (its stall, not its time on disk). Raises InputError.
    """
    _must_be_positive(mtbf_s, cost_s)
    return sqrt(2 * cost_s * mtbf_s)


def daly_interval_s(mtbf_s: float, cost_s: float) -> float:
    """Daly's interval in seconds, which is better where a save is not short against a failure."""
    _must_be_positive(mtbf_s, cost_s)
    if cost_s >= 2 * mtbf_s:
        return mtbf_s
    part = cost_s / (2 * mtbf_s)
    return sqrt(2 * cost_s * mtbf_s) * (1 + sqrt(part) / 3 + part / 9) - cost_s


def _must_be_positive(mtbf_s: float, cost_s: float) -> None:
    if not (mtbf_s > 0 and cost_s > 0 and isfinite(mtbf_s) and isfinite(cost_s)):
        raise InputError(
            "checkpoint-interval",
            Text(
                f"No interval follows from {mtbf_s} s between failures and {cost_s} s a save.",
                f"无法由故障间隔 {mtbf_s} 秒和保存耗时 {cost_s} 秒得出间隔。",
            ),
            Text("Give both in seconds, above zero.", "请以秒为单位给出两个大于零的数。"),
        )
