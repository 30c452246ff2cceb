"""What an edge tells its hub of itself: enough to see from afar that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lianji.spool.record import Gap
from lianji.web.status import DeviceStatus, PlantStatus

GAPS_TOLD = 10


def report_of(status: PlantStatus, gaps: Sequence[Gap] = ()) -> dict[str, Any]:
    """A small object of numbers and words, without secrets. ``gaps``: what the edge's own spool
    has lost since it was opened."""
    return {
        "now_us": status.now_us,
        "uptime_s": status.uptime_s,
        "versions": dict(status.versions),
        "samples_per_s": status.rates.samples_per_s,
        "memory_bytes": status.rates.memory_bytes,
        "devices": [_device(device) for device in status.devices],
        "problems": [problem.model_dump(mode="json") for problem in status.problems[:20]],
        "gaps": {
            "count": len(gaps),
            "rows": sum(gap.rows for gap in gaps),
            "last": [_told(gap) for gap in gaps[-GAPS_TOLD:]],
        },
        "spool": status.spool.model_dump(mode="json"),
        "history": {"rows": status.history.rows, "error": _error(status)},
        "disk": status.disk.model_dump(mode="json") if status.disk else None,
    }


def _device(device: DeviceStatus) -> dict[str, Any]:
    told = {"name": device.name, "state": device.state, "text": device.state_text.model_dump()}
    return told | ({"error": device.error.model_dump()} if device.error else {})


def _told(gap: Gap) -> dict[str, Any]:
    return {name: getattr(gap, name) for name in ("reason", "rows", "start_us", "end_us")}


def _error(status: PlantStatus) -> dict[str, Any] | None:
    error = status.history.error
    return error.model_dump(mode="json") if error else None
