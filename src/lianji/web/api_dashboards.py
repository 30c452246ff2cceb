"""Dashboards over HTTP: listed, read, saved, deleted.

A save names the version that it changes; if somebody else was quicker nothing is written.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from lianji.web.access.guard import OPERATE, READ, Kept, Who
from lianji.web.asked import Plant
from lianji.web.dashboard import Dashboard, DashboardEntry, KeptDashboard
from lianji.web.faults import errors

router = APIRouter(prefix="/api/dashboards", tags=["dashboards"], dependencies=[READ])

_CHANGES: dict[str, Any] = {
    "dependencies": [OPERATE],
    "responses": errors(400, 403, 404, 409, 507),
}


class ToSave(BaseModel):
    dashboard: Dashboard
    version: str = Field("", max_length=64, description="As it was read; empty: it is new.")


class Saved(BaseModel):
    name: str
    version: str


@router.get("", operation_id="dashboards", responses=errors(400))
def listed(plant: Plant) -> list[DashboardEntry]:
    """The plant's dashboards, the front page's first."""
    return list(plant.dashboards.listed())


@router.get("/{name}", operation_id="dashboard", responses=errors(400, 404))
def found(plant: Plant, name: str) -> KeptDashboard:
    """One dashboard with its version."""
    return plant.dashboards.found(name)


@router.put("/{name}", operation_id="save_dashboard", **_CHANGES)
def save(plant: Plant, who: Who, access: Kept, name: str, to_save: ToSave) -> Saved:
    """Save a dashboard as a file. It is on disk when this answers."""
    version = plant.dashboards.save(name, to_save.dashboard, to_save.version)
    access.record(who.name, "dashboard-saved", {"dashboard": name})
    return Saved(name=name, version=version)


@router.delete("/{name}", operation_id="delete_dashboard", **_CHANGES)
def delete(
    plant: Plant, who: Who, access: Kept, name: str, version: Annotated[str, Query()]
) -> Saved:
    """Delete a dashboard's file. The front page's is made from the dictionary again."""
    plant.dashboards.delete(name, version)
    access.record(who.name, "dashboard-deleted", {"dashboard": name})
    return Saved(name=name, version="")
