"""The demo within an empty plant: begun from the first run's page, taken out by a button.

It starts a process on the plant's machine, so only an administrator at that machine may.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from lianji.base.errors import NotFound, Text
from lianji.web.access.client import Client
from lianji.web.access.guard import ADMINISTER, Kept, Who
from lianji.web.asked import Plant
from lianji.web.demo_view import DemoView
from lianji.web.faults import Forbidden, errors
from lianji.web.ports import PlantView

router = APIRouter(prefix="/api/demo", tags=["configuration"], dependencies=[ADMINISTER])
_CHANGING = errors(400, 403, 404, 409, 507)


class DemoChanged(BaseModel):
    version: str


@router.post("", operation_id="start_demo", responses=_CHANGING)
async def start(request: Request, plant: Plant, who: Who, access: Kept) -> DemoChanged:
    """Put simulated machines into this plant, which has none yet, and start them."""
    _only_here(request)
    made = await _of(plant).start(who.name)
    await run_in_threadpool(access.record, who.name, "demo-started", {"version": made})
    return DemoChanged(version=made)


@router.delete("", operation_id="remove_demo", responses=_CHANGING)
async def remove(plant: Plant, who: Who, access: Kept) -> DemoChanged:
    """Take them out again, with their tags and alarms. What was recorded of them stays."""
    made = await _of(plant).remove(who.name)
    await run_in_threadpool(access.record, who.name, "demo-removed", {"version": made})
    return DemoChanged(version=made)


def _of(plant: PlantView) -> DemoView:
    if plant.demo is None:
        raise NotFound(
            "demo-missing",
            Text("There is no demo in this plant.", "本工厂中没有演示。"),
            Text("Load the page again.", "请刷新页面。"),
        )
    return plant.demo


def _only_here(request: Request) -> None:
    client: Client = request.state.client
    if not client.is_this_machine:
        raise Forbidden(
            "demo-only-here",
            Text(
                "The demo can only be started from the machine that Lianji runs on.",
                "只能在运行联机的这台机器上启动演示。",
            ),
            Text(
                "Open http://127.0.0.1 with the plant's port there.",
                "请在该机器上打开 http://127.0.0.1 及工厂端口。",
            ),
        )
