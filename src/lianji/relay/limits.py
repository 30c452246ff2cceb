"""How much one edge may bring: its share of the hub, so that none can take what others need."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Busy, Text
from lianji.relay.quotas import DAY_US, Quota

BURST_S = 10.0
QUOTA_RETRY_S = 30.0
"""Who has brought its day's worth asks again after so long: somebody may give it more."""
SLOWED_S = 300.0
"""So long after it was asked to wait an edge is told as one that is held back."""


class Slower(Busy):
    """Too much at once, or on one day. (RFC 6585, section 4: 429.)"""

    http_status = 429

    def __init__(self, edge: str, what: Text, retry_after_s: float) -> None:
        super().__init__(
            "relay-slower",
            Text(f"{edge} brings more than {what.en}.", f"{edge} 超出限额：{what.zh}。"),
            Text(
                "Nothing is lost: the edge waits and sends again. Raise the limit at the hub with "
                "`lianji hub limit`, or in [hub], if it is meant to bring so much.",
                "数据没有丢失，边缘端稍后会重新发送。如确有需要，请在中心用 `lianji hub limit` "
                "或在 [hub] 中提高限额。",
            ),
        )
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Bucket:
    level: float = 0.0
    """How much was taken and has not run off yet."""
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Use:
    """What an edge may bring (None: no limit), and what it has brought."""

    samples_per_s: float | None
    bytes_a_day: int | None
    bytes_today: int
    slowed: bool
    """Whether it was asked to wait a short while ago."""


class Limits:
    """A leaky bucket an edge: so many rows a second on average, ``BURST_S`` seconds' worth at once;
    and so many bytes a day.

    A request is admitted while the bucket and the day are not full and then taken whole, so that
    even one request larger than the bucket gets through some time. Safe for many threads.
    """

    def __init__(self, rows_a_second: float = math.inf, clock: Callable[[], int] = now_us) -> None:
        """``rows_a_second`` is for edges that have no limit of their own."""
        self._rate = rows_a_second
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._own: Mapping[str, Quota] = {}
        self._day = 0
        self._today: dict[str, int] = {}
        self._slowed_s: dict[str, float] = {}

    def become(self, own: Mapping[str, Quota]) -> None:
        """What single edges may bring from now on, and what they had brought by others' word."""
        self._begin_day()
        for edge, quota in own.items():
            if quota.used_day == self._day:
                self._today[edge] = max(self._today.get(edge, 0), quota.used_bytes)
        self._own = dict(own)

    def admit(self, edge: str) -> None:
        """Raises Slower."""
        rate = self._rate_of(edge)
        over = self._leaked(edge).level - rate * BURST_S
        if over > 0:
            told = Text(f"{rate:,.0f} samples a second", f"每秒 {rate:,.0f} 个样本")
            raise self._slower(edge, told, over / rate)
        self._begin_day()
        most = self._bytes_of(edge)
        if most is not None and self._today.get(edge, 0) >= most:
            told = Text(
                f"{_gb(most)} GB a day; the next day begins at 00:00 UTC",
                f"每天 {_gb(most)} GB（UTC 0 点起计新的一天）",
            )
            left_s = DAY_US / 1e6 - self._clock() % DAY_US / 1e6
            raise self._slower(edge, told, min(QUOTA_RETRY_S, left_s))

    def took(self, edge: str, rows: int, size: int = 0) -> None:
        """``size``: the bytes of the body as it came."""
        self._leaked(edge).level += rows
        self._begin_day()
        self._today[edge] = self._today.get(edge, 0) + size

    def use(self, edge: str) -> Use:
        rate = self._rate_of(edge)
        self._begin_day()
        slowed = monotonic_s() - self._slowed_s.get(edge, -math.inf) < SLOWED_S
        most, today = self._bytes_of(edge), self._today.get(edge, 0)
        return Use(rate if math.isfinite(rate) else None, most, today, slowed)

    def used(self) -> tuple[int, dict[str, int]]:
        """The day, and what those with a quota have brought on it."""
        self._begin_day()
        return self._day, {edge: self._today[edge] for edge in self._own if edge in self._today}

    def _rate_of(self, edge: str) -> float:
        own = self._own.get(edge)
        if own is None or own.samples_per_s is None:
            return self._rate
        return own.samples_per_s or math.inf

    def _bytes_of(self, edge: str) -> int | None:
        own = self._own.get(edge)
        return own.bytes_a_day or None if own else None

    def _slower(self, edge: str, what: Text, retry_after_s: float) -> Slower:
        self._slowed_s[edge] = monotonic_s()
        return Slower(edge, what, retry_after_s)

    def _begin_day(self) -> None:
        day = self._clock() // DAY_US
        if day != self._day:
            self._day, self._today = day, {}

    def _leaked(self, edge: str) -> _Bucket:
        now_s, rate = monotonic_s(), self._rate_of(edge)
        bucket = self._buckets.setdefault(edge, _Bucket(0.0, now_s))
        if math.isfinite(rate):
            bucket.level = max(0.0, bucket.level - (now_s - bucket.at_s) * rate)
            bucket.at_s = now_s
        else:
            bucket.level = 0.0
        return bucket


def _gb(size: int) -> str:
    return f"{size / 1e9:,.3f}".rstrip("0").rstrip(".")
