"""When it is time for a flush, and how much is taken ahead of one."""

from __future__ import annotations

from lianji.history.settings import HistorySettings

ROWS_A_FILE = 4_000
WORTH_ROWS_MAX = 4_000_000
HELD_ROWS_MAX = 1_000_000
"""More than this is not taken ahead of a flush: the rest waits in the spool, where it is safe."""
GATHER_S = 0.5
"""Enough rows for a file wait so long for more: when they come by the million, a larger file costs
half as much a row (measured)."""


class Flushing:
    """Of one historian."""

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings
        self.files_made = 0
        """By the last flush: where it made a file for each of a thousand sites, more rows are worth
        one than in a plant of one site."""

    @property
    def worth_rows(self) -> int:
        worth = min(self.files_made * ROWS_A_FILE, WORTH_ROWS_MAX)
        return max(self._settings.flush_rows, worth)

    @property
    def held_rows_max(self) -> int:
        return max(self.worth_rows, HELD_ROWS_MAX)

    def is_time(self, rows: int, age_s: float) -> bool:
        """Whether so many rows, of which the oldest waits so long, shall become files."""
        enough = rows >= self.worth_rows and age_s >= GATHER_S
        return enough or rows >= self.held_rows_max or age_s >= self._settings.flush_s
