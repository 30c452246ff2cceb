"""The audit log of a running plant is kept within its bounds: looked at once a day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lianji.base.clock import monotonic_s
from lianji.base.errors import LianjiError
from lianji.node.settings import StateSettings

if TYPE_CHECKING:
    from lianji.base.state import State

EVERY_S = 86_400.0
AGAIN_S = 3_600.0
"""After a failure."""
FOLDER = "audit"
"""Of ``data``: where old entries lie."""


class AuditKeeper:
    """``problem`` is why old entries could not be moved, or None."""

    def __init__(self, data: Path, settings: StateSettings) -> None:
        self._folder = data / FOLDER
        self._settings = settings
        self._next_s = 0.0
        self.problem: LianjiError | None = None

    def look(self, state: State) -> None:
        """Move old entries if it is time to. Blocks."""
        if monotonic_s() < self._next_s:
            return
        from lianji.web.access.audit_files import Bounds, move_old

        self._next_s = monotonic_s() + EVERY_S
        settings = self._settings
        try:
            bounds = Bounds(settings.audit_days, settings.audit_rows_max)
            move_old(state, self._folder, bounds)
        except LianjiError as error:
            self.problem, self._next_s = error, monotonic_s() + AGAIN_S
        else:
            self.problem = None
