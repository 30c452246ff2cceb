"""How large a body may be, so that it is on the line for about a given time, and how long records
have waited for it."""

from __future__ import annotations

from collections import deque

BODY_BYTES_MIN = 16 * 1024
FIRST_BYTES = 256 * 1024


class Rate:
    """Bytes a second that the line takes, by what was just seen."""

    def __init__(self) -> None:
        self.a_second = 0.0

    def note(self, size: int, seconds: float) -> None:
        if size >= 1024:
            seen = size / max(seconds, 1e-3)
            self.a_second = seen if not self.a_second else 0.7 * self.a_second + 0.3 * seen

    def body_bytes(self, seconds: float, most: int) -> int:
        if not self.a_second:
            return min(FIRST_BYTES, most)
        return int(min(max(self.a_second * seconds, BODY_BYTES_MIN), most))


class Ages:
    """Since when records wait, as far as this process saw: twice a second what was durable."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=4096)

    def note(self, now_s: float, durable: int) -> None:
        if not self._seen or (now_s - self._seen[-1][0] > 0.5 and durable > self._seen[-1][1]):
            self._seen.append((now_s, durable))

    def behind(self, sequence: int, now_s: float) -> float:
        """How many seconds the record behind this one waits."""
        while len(self._seen) > 1 and self._seen[0][1] <= sequence:
            self._seen.popleft()
        return now_s - self._seen[0][0] if self._seen else 0.0

    def clear(self) -> None:
        self._seen.clear()
