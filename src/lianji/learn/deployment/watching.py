"""When a model is to be doubted: inputs outside the envelope, bias, error, time that it takes.

Looked at over the last ``card.drift.window`` runs, or labels; once a quarter of them is there, so
that a drift need not fill the whole window before it is told. An alarm is told once as it begins.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from lianji.base.errors import Text
from lianji.learn.models.card import Drift

KINDS = ("outside", "bias", "error", "latency")
ENOUGH_MIN = 8
CLEAR = 0.8
"""A doubt is over below this share of its limit, so that it does not come and go around it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One doubt: what was found and what would have been allowed."""

    kind: str
    time_us: int
    value: float
    limit: float

    @property
    def text(self) -> Text:
        value, limit = f"{self.value:.3g}", f"{self.limit:.3g}"
        if self.kind == "outside":
            share, most = f"{self.value:.0%}", f"{self.limit:.0%}"
            return Text(f"{share} of the runs had an input outside its envelope (at most {most})",
                        f"{share} 的运行有输入超出训练范围（上限 {most}）")  # fmt: skip
        if self.kind == "bias":
            return Text(f"the mean residual is {value} (at most {limit})",
                        f"平均残差为 {value}（上限 {limit}）")  # fmt: skip
        if self.kind == "error":
            return Text(f"the mean absolute error after correction is {value} (at most {limit})",
                        f"修正后平均绝对误差为 {value}（上限 {limit}）")  # fmt: skip
        return Text(f"a run takes {value} ms (at most {limit})",
                    f"单次运行耗时 {value} 毫秒（上限 {limit}）")  # fmt: skip


class Watch:
    """Of one version. ``run`` and ``label`` note, ``look`` judges."""

    def __init__(self, drift: Drift) -> None:
        self._drift = drift
        window = drift.window
        self._enough = max(ENOUGH_MIN, window // 4)
        self._outside: deque[bool] = deque(maxlen=window)
        self._latency: deque[float] = deque(maxlen=64)
        self.raw: deque[float] = deque(maxlen=window)
        """Residuals before correction."""
        self.after: deque[float] = deque(maxlen=window)
        self.standing: dict[str, Alarm] = {}
        self._outside_count = 0

    def run(self, outside: bool, latency_ms: float = 0.0) -> None:
        if len(self._outside) == self._outside.maxlen:
            self._outside_count -= self._outside[0]
        self._outside.append(outside)
        self._outside_count += outside
        self._latency.append(latency_ms)

    def label(self, raw: float, after: float) -> None:
        self.raw.append(raw)
        self.after.append(after)

    @property
    def outside_share(self) -> float:
        return self._outside_count / len(self._outside) if self._outside else 0.0

    @property
    def bias(self) -> float | None:
        return float(np.mean(self.raw)) if self.raw else None

    @property
    def error(self) -> float | None:
        return float(np.mean(np.abs(self.after))) if self.after else None

    @property
    def latency_ms(self) -> float | None:
        return median(self._latency) if self._latency else None

    def look(self, now_us: int, labels_too: bool = True) -> list[Alarm]:
        """Those that begin now. Without new labels, bias and error need no new look."""
        found = {}
        if len(self._outside) >= self._enough:
            found["outside"] = (self.outside_share, self._drift.outside)
        if labels_too and len(self.raw) >= self._enough:
            bias, error = self.bias or 0.0, self.error or 0.0
            if self._drift.bias is not None:
                found["bias"] = (abs(bias), self._drift.bias)
            if self._drift.error is not None:
                found["error"] = (error, self._drift.error)
        if len(self._latency) >= ENOUGH_MIN:
            found["latency"] = (self.latency_ms or 0.0, self._drift.latency_ms)
        begun = []
        for kind, (value, limit) in found.items():
            if value <= CLEAR * limit:
                self.standing.pop(kind, None)
            elif value > limit and kind not in self.standing:
                self.standing[kind] = Alarm(kind, now_us, value, limit)
                begun.append(self.standing[kind])
        return begun

    # -- what survives a restart -------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "outside": [int(one) for one in self._outside],
            "raw": list(self.raw),
            "after": list(self.after),
            "standing": [[a.kind, a.time_us, a.value, a.limit] for a in self.standing.values()],
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError for what is no state."""
        for one in state["outside"]:
            self.run(bool(one))
        self._latency.clear()
        self.raw.extend(float(one) for one in state["raw"])
        self.after.extend(float(one) for one in state["after"])
        self.standing = {
            str(kind): Alarm(str(kind), int(time), float(value), float(limit))
            for kind, time, value, limit in state["standing"]
        }
