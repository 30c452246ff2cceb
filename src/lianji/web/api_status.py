"""How the plant is: for the status page, for monitoring and for whoever restarts processes."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from lianji.web.access.guard import ANYBODY, READ
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.status import PlantStatus

router = APIRouter(tags=["status"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/api/status", operation_id="plant_status", dependencies=[READ], responses=errors())
async def plant_status(plant: Plant) -> PlantStatus:
    """Devices, rates, spool, history, stages and versions."""
    return plant.status()


@router.get("/health", operation_id="health", dependencies=[ANYBODY], responses=errors())
async def health() -> Health:
    """That the process answers. It says nothing of devices: a dead machine is no reason to
    restart Lianji."""
    return Health()
