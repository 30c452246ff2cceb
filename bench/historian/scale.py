"""How much of everything: at 1.0 the suite takes about ten minutes on two cores."""

from __future__ import annotations

import os

SCALE = float(os.environ.get("LIANJI_BENCH_SCALE", "1.0"))
TAGS = 10_000


def scaled(count: int, least: int = 1) -> int:
    return max(least, round(count * SCALE))
