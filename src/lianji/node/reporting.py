"""What an edge tells its hub of itself: enough to see from afar that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lianji.spool.record import Gap
from lianji.web.status import DeviceStatus, PlantStatus

GAPS_TOLD = 10
ERRORS_TOLD = 50


def report_of(
    status: PlantStatus, gaps: Sequence[Gap] = (), models: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A small object of numbers and words, without secrets. ``gaps``: what the edge's own spool
    has lost since it was opened; ``models``: those that are deployed."""
    return {
        "now_us": status.now_us,
        "uptime_s": status.uptime_s,
        "versions": dict(status.versions),
        "samples_per_s": status.rates.samples_per_s,
        "memory_bytes": status.rates.memory_bytes,
        "devices": _devices(status.devices),
        "problems": [problem.model_dump(mode="json") for problem in status.problems[:20]],
        "gaps": {
            "count": len(gaps),
            "rows": sum(gap.rows for gap in gaps),
            "last": [_told(gap) for gap in gaps[-GAPS_TOLD:]],
        },
        "spool": status.spool.model_dump(mode="json"),
        "history": {"rows": status.history.rows, "error": _error(status)},
        "disk": status.disk.model_dump(mode="json") if status.disk else None,
        **({"models": list(models)} if models else {}),
    }


def _devices(devices: Sequence[DeviceStatus]) -> list[dict[str, Any]]:
    """Name, state and its words of each; of the first that are ill, also why."""
    told = [
        {"name": one.name, "state": one.state, "text": one.state_text.model_dump()}
        for one in devices
    ]
    ill = [place for place, one in enumerate(devices) if one.error is not None]
    for place in ill[:ERRORS_TOLD]:
        error = devices[place].error
        assert error is not None
        told[place]["error"] = error.model_dump()
    return told


def _told(gap: Gap) -> dict[str, Any]:
    return {name: getattr(gap, name) for name in ("reason", "rows", "start_us", "end_us")}


def _error(status: PlantStatus) -> dict[str, Any] | None:
    error = status.history.error
    return error.model_dump(mode="json") if error else None
