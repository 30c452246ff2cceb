"""How much one edge may bring: its share of the hub, so that none can take what others need."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lianji.base.clock import monotonic_s
from lianji.base.errors import Busy, Text

BURST_S = 10.0


class Slower(Busy):
    """Too much at once. (RFC 6585, section 4: 429.)"""

    http_status = 429

    def __init__(self, edge: str, what: Text, retry_after_s: float) -> None:
        super().__init__(
            "relay-slower",
            Text(f"{edge} brings more than {what.en}.", f"{edge} 超出限额：{what.zh}。"),
            Text(
                "Nothing is lost: the edge waits and sends again. Raise the limit in [hub] if it "
                "is meant to bring so much.",
                "数据没有丢失，边缘端稍后会重新发送。如确有需要，请在 [hub] 中提高限额。",
            ),
        )
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Bucket:
    level: float = 0.0
    """How much was taken and has not run off yet."""
    at_s: float = 0.0


class Limits:
    """A leaky bucket an edge: so many rows a second on average, ``BURST_S`` seconds' worth at once.

    A request is admitted while the bucket is not full and then taken whole, so that even one
    request larger than the bucket gets through some time.
    """

    def __init__(self, rows_a_second: float = math.inf) -> None:
        self._rate = rows_a_second
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, edge: str) -> None:
        """Raises Slower."""
        bucket = self._leaked(edge)
        over = bucket.level - self._rate * BURST_S
        if over > 0:
            rate = Text(f"{self._rate:,.0f} samples a second", f"每秒 {self._rate:,.0f} 个样本")
            raise Slower(edge, rate, over / self._rate)

    def took(self, edge: str, rows: int) -> None:
        self._leaked(edge).level += rows

    def _leaked(self, edge: str) -> _Bucket:
        now_s = monotonic_s()
        bucket = self._buckets.setdefault(edge, _Bucket(0.0, now_s))
        if math.isfinite(self._rate):
            bucket.level = max(0.0, bucket.level - (now_s - bucket.at_s) * self._rate)
            bucket.at_s = now_s
        else:
            bucket.level = 0.0
        return bucket
