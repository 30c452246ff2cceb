"""What an edge tells its hub of itself: enough to see from afar that something is wrong."""

from __future__ import annotations

from typing import Any

from lianji.web.status import PlantStatus


def report_of(status: PlantStatus) -> dict[str, Any]:
    """A small object of numbers and words, without secrets."""
    return {
        "now_us": status.now_us,
        "uptime_s": status.uptime_s,
        "versions": dict(status.versions),
        "samples_per_s": status.rates.samples_per_s,
        "memory_bytes": status.rates.memory_bytes,
        "devices": [{"name": device.name, "state": device.state} for device in status.devices],
        "problems": [problem.model_dump(mode="json") for problem in status.problems[:20]],
        "spool": status.spool.model_dump(mode="json"),
        "history": {"rows": status.history.rows, "error": _error(status)},
        "disk": status.disk.model_dump(mode="json") if status.disk else None,
    }


def _error(status: PlantStatus) -> dict[str, Any] | None:
    error = status.history.error
    return error.model_dump(mode="json") if error else None
