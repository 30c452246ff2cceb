"""How the plant is: for the status page, for monitoring and for whoever restarts processes."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from lianji.web.access.guard import ANYBODY, CONFIGURE, READ
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


@router.get(
    "/api/diagnostics",
    operation_id="diagnostics",
    response_class=Response,
    dependencies=[CONFIGURE],
    responses={200: {"content": {"application/zip": {}}}, **errors()},
)
async def diagnostics(plant: Plant) -> Response:
    """A zip with the configuration (secrets removed), status, findings, last messages, versions and
    a list of files: what whoever helps asks for first."""
    packed = await run_in_threadpool(plant.diagnostics)
    named = {"Content-Disposition": 'attachment; filename="lianji-diagnostics.zip"'}
    return Response(packed, media_type="application/zip", headers=named)


@router.get("/health", operation_id="health", dependencies=[ANYBODY], responses=errors())
async def health() -> Health:
    """That the process answers. It says nothing of devices: a dead machine is no reason to
    restart Lianji."""
    return Health()
