"""Comparisons as the command line asks for them: of the running hub, over its own HTTP API."""

from __future__ import annotations

from typing import Any

from lianji.node.asked import said_by
from lianji.node.enrolment import edges_of
from lianji.node.folder import PlantFolder

ROUTE = "/api/hub/reconcile"


def joined_edges(folder: PlantFolder) -> list[str]:
    """The edges that may speak, by name. Raises NotFound where there is no hub."""
    with edges_of(folder) as edges:
        return [row.name for row in edges.all() if row.revoked_us is None]


def begin(folder: PlantFolder, wanted: dict[str, Any]) -> int:
    """The number of a run that has begun. Raises NotFound, LinkDown, and what the hub said."""
    return int(said_by(folder, "POST", ROUTE, json=wanted)["id"])


def run_of(folder: PlantFolder, number: int, limit: int = 100_000) -> dict[str, Any]:
    """How far a run is (``run``), and what it has found (``differences``)."""
    return said_by(folder, "GET", f"{ROUTE}/{number}", params={"limit": limit})
