"""How often a password may be guessed: a guesser is stopped, the owner is never locked out.

Three buckets of attempts, each filling up again by itself. One belongs to the address that asks:
10 at once, then one a minute. One belongs to the account, for all addresses together: 30 at once,
then one every 10 seconds, which is more than one address can take out of it, so that the owner at
another machine gets in while a guesser is at work. And who has logged in from a browser before
shows its device cookie and has a bucket of its own, which no stranger empties (OWASP, "Slow Down
Online Guessing Attacks with Device Cookies"). Attempts are counted before the password is looked
at, so many at once gain nothing; one that succeeds is given back.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from lianji.base.clock import monotonic_s
from lianji.base.errors import LianjiError, Text

BUCKETS_MAX = 20_000
ROUNDING_S = 1e-6
"""A bucket that is a rounding error short of full is full."""


class TooOften(LianjiError):
    """Too many attempts: try again after ``retry_after_s``."""

    http_status: ClassVar[int] = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            "log-in-too-often",
            Text(
                f"Too many wrong passwords: the next may be tried in {wait_s} s.",
                f"密码错误次数过多，{wait_s} 秒后可再试。",
            ),
            Text(
                "Wait, or set a new password on the machine itself: lianji user password NAME.",
                "请等待，或在本机用 lianji user password NAME 设置新密码。",
            ),
        )
        self.retry_after_s = wait_s


@dataclass(frozen=True, slots=True)
class Rule:
    at_once: int
    refill_s: float
    """Seconds until one more may be tried."""


ADDRESS = Rule(10, 60)
ACCOUNT = Rule(30, 10)
DEVICE = Rule(10, 60)


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float
    told: bool = False


class Throttle:
    """Thread-safe. Names of buckets are kept only while they are not full."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[Rule, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, keys: list[tuple[Rule, str]]) -> None:
        """Count one attempt in all of these buckets. Raises TooOften and counts none."""
        now = monotonic_s()
        with self._lock:
            buckets: list[_Bucket] = []
            for rule, name in keys:  # whoever is blocked by the first makes no bucket of the next
                buckets.append(self._filled(rule, name, now))
                wait_s = (1 - buckets[-1].left) * rule.refill_s
                if wait_s > ROUNDING_S:
                    raise TooOften(max(1, math.ceil(wait_s - ROUNDING_S)))
            for bucket in buckets:
                bucket.left -= 1
                bucket.told = False

    def give_back(self, keys: list[tuple[Rule, str]]) -> None:
        """The attempt was a good one."""
        with self._lock:
            for rule, name in keys:
                bucket = self._buckets.get((rule, name))
                if bucket is not None:
                    bucket.left = min(rule.at_once, bucket.left + 1)

    def is_news(self, keys: list[tuple[Rule, str]]) -> bool:
        """Whether nobody was told yet that these are blocked: so that the audit log says it once
        and not once a guess."""
        with self._lock:
            found = [self._buckets[key] for key in keys if key in self._buckets]
            news = any(not bucket.told for bucket in found if bucket.left < 1)
            for bucket in found:
                bucket.told = bucket.told or bucket.left < 1
            return news

    def _filled(self, rule: Rule, name: str, now: float) -> _Bucket:
        bucket = self._buckets.get((rule, name))
        if bucket is None:
            if len(self._buckets) >= BUCKETS_MAX:
                self._buckets.popitem(last=False)
            bucket = self._buckets[rule, name] = _Bucket(rule.at_once, now)
        bucket.left = min(rule.at_once, bucket.left + (now - bucket.at_s) / rule.refill_s)
        bucket.at_s = now
        self._buckets.move_to_end((rule, name))
        return bucket
