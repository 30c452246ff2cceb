"""How often somebody may try: a few at once, then one each so many seconds, by name."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from lianji.base.clock import monotonic_s
from lianji.relay.trust.refusals import TooOften

NAMES_MAX = 20_000


class Throttle:
    """Thread-safe. A try is counted before it is looked at, and given back if it was a good one."""

    def __init__(
        self, at_once: int = 5, refill_s: float = 12, ticks: Callable[[], float] = monotonic_s
    ) -> None:
        self._at_once, self._refill_s, self._ticks = at_once, refill_s, ticks
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Raises TooOften, and counts nothing."""
        now = self._ticks()
        with self._lock:
            left, at = self._left.pop(name, (float(self._at_once), now))
            left = min(self._at_once, left + (now - at) / self._refill_s)
            taken = left >= 1
            self._left[name] = (left - taken, now)
            if len(self._left) > NAMES_MAX:
                self._left.popitem(last=False)
        if not taken:
            raise TooOften(max(1, math.ceil((1 - left) * self._refill_s)))

    def give_back(self, name: str) -> None:
        with self._lock:
            if name in self._left:
                left, at = self._left[name]
                self._left[name] = (min(self._at_once, left + 1), at)


def network_of(address: str) -> str:
    """What is counted as one: an address, or the /64 that an IPv6 client owns."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
