"""The limits of single edges, as a running hub minds them: read within seconds, use kept."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import structlog

from lianji.base.errors import StorageError
from lianji.relay.limits import Limits
from lianji.relay.quotas import Quotas
from lianji.relay.settings import HubSettings
from lianji.web.access import audit

if TYPE_CHECKING:
    from lianji.base.state import State

LOOK_S = 2.0
KEEP_EVERY = 5
"""What came is written down each so many looks."""
log = structlog.get_logger(__name__)


def quotas_with(state: State) -> Quotas:
    """Those of a hub whose state is open; what happens to them is in its audit log."""
    return Quotas(state, audit.append)


class Limiting:
    """Of one hub."""

    def __init__(self, state: State, settings: HubSettings) -> None:
        """Raises StorageError."""
        self._quotas = quotas_with(state)
        self.limits = Limits(settings.samples_per_s or math.inf)
        self._kept: tuple[int, dict[str, int]] = (0, {})
        self._look()

    def _look(self) -> None:
        self.limits.become(self._quotas.all())

    def _keep(self) -> None:
        used = self.limits.used()
        if used != self._kept and used[1]:
            self._quotas.note_used(*used)
            self._kept = used

    async def keep_on(self) -> None:
        """Until cancelled. While the database is away, what was known last counts."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            looks += 1
            try:
                await asyncio.to_thread(self._look)
                if not looks % KEEP_EVERY:
                    await asyncio.to_thread(self._keep)
            except StorageError as error:
                log.warning("limits-not-read", error=str(error))

    def close(self) -> None:
        """Keep what came."""
        try:
            self._keep()
        except StorageError as error:
            log.warning("use-not-kept", error=str(error))
