"""How large a body may be, so that it is on the line for about a given time."""

from __future__ import annotations

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
