"""How long to leave a device alone that does not answer.

Each failure doubles the wait from 0.5 s up to a minute, with jitter so that devices behind one
switch do not all come back in the same instant. A success counts only when it lasts: a device
that accepts a connection and drops it at once is still failing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

FIRST_S = 0.5
LONGEST_S = 60.0
LASTING_S = 10.0
JITTER = 0.25


class Backoff:
    """Waits in seconds; pure but for the jitter, whose source may be given (numbers in [0, 1))."""

    def __init__(
        self,
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
        lasting_s: float = LASTING_S,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.first_s = first_s
        self.longest_s = longest_s
        self.lasting_s = lasting_s
        self.failures = 0
        self._random = random or Random().random

    def failed(self, good_for_s: float = 0.0) -> float:
        """The wait before the next attempt, after a success that lasted ``good_for_s``."""
        if good_for_s >= self.lasting_s:
            self.failures = 0
        wait = min(self.first_s * 2.0 ** min(self.failures, 60), self.longest_s / (1 + JITTER))
        self.failures += 1
        return wait * (1 + JITTER * self._random())


class InFlight:
    """How many transactions a device gets at once: as many as it can bear.

    Trouble with several in flight means one at a time from then on; after a quiet while the
    full number is tried again, and each further trouble doubles that while (a minute to an hour).
    """

    QUIET_S_FIRST = 60.0
    QUIET_S_LONGEST = 3600.0

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self._since_s: float | None = None
        self._quiet_s = self.QUIET_S_FIRST

    def now(self, now_s: float) -> int:
        if self._since_s is not None and now_s - self._since_s >= self._quiet_s:
            self._since_s = None
            self._quiet_s = min(2 * self._quiet_s, self.QUIET_S_LONGEST)
        return self.most if self._since_s is None else 1

    def trouble(self, now_s: float) -> None:
        """A time-out or a desync. Changes nothing for a device that had one at a time anyway."""
        if self.most > 1:
            self._since_s = now_s

    @property
    def fallen_back(self) -> bool:
        return self._since_s is not None
