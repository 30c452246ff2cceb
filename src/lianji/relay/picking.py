"""What of a spool is sent: all but what another hub has anyway, or some tags alone."""

from __future__ import annotations

from collections.abc import Sequence

from lianji.spool.record import Record, sources_of


class NotFrom:
    """All but what came from the hub that it would be sent to."""

    changes = False

    def __init__(self, hub: str) -> None:
        self._hub = hub

    def __call__(self, record: Record) -> Sequence[bytes | memoryview] | None:
        if any(source.edge == self._hub for source in sources_of(record)):
            return None
        return (record.raw,)
