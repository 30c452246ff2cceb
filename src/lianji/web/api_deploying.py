"""Models beside the machines, over HTTP and on their page: what runs, how well, and the moves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import Text
from lianji.learn.deployment.shown import Shown
from lianji.learn.deployment.stages import Stage
from lianji.web.access.guard import CONFIGURE, READ, Kept, Who
from lianji.web.asked import Lang, Plant
from lianji.web.faults import TooLarge, errors
from lianji.web.page import page_response
from lianji.web.ports_deploying import DeployingView
from lianji.web.sites.refusals import whole_plant

BYTES_MAX = 128 << 20
router = APIRouter(prefix="/api/models/running", tags=["models"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])


class Deployed(BaseModel):
    models: list[Shown] = Field(description="Every version, the newest of each model first.")


class ToMove(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stage: Stage = Field(description="staged, shadow, advisory, active, fallback or retired.")


def _deploying(plant: Plant) -> DeployingView:
    if plant.deploying is None:
        raise whole_plant()
    return plant.deploying


Models = Annotated[DeployingView, Depends(_deploying)]
Number = Annotated[int, InPath(ge=1)]
_CHANGING = errors(400, 403, 404, 409, 413, 507)


@router.get("", operation_id="running_models", responses=errors(400, 403))
def listed(models: Models) -> Deployed:
    """The versions that were accepted, at which stage each is, and how it does."""
    return Deployed(models=models.listed())


@router.post("", operation_id="deploy_model", dependencies=[CONFIGURE], responses=_CHANGING)
async def deploy(request: Request, models: Models, who: Who, access: Kept) -> Shown:
    """Take a signed bundle in. The body is the file."""
    content = await _body(request)
    taken = await run_in_threadpool(models.take, content, who.name)
    about = {"model": f"{taken.name}@{taken.version}"}
    await run_in_threadpool(access.record, who.name, "model-taken", about)
    return taken


@router.get("/{name}/{version}", operation_id="running_model", responses=errors(400, 403, 404))
def found(models: Models, name: str, version: Number) -> Shown:
    """One version: inputs, outputs, residuals, doubts, moves."""
    return models.found(name, version)


@router.post(
    "/{name}/{version}/stage",
    operation_id="move_model",
    dependencies=[CONFIGURE],
    responses=_CHANGING,
)
def move(
    models: Models, who: Who, access: Kept, name: str, version: Number, asked: ToMove
) -> Shown:
    """Move a version to another stage."""
    moved = models.move(name, version, asked.stage, who.name)
    about = {"model": f"{name}@{version}", "stage": asked.stage.value}
    access.record(who.name, "model-moved", about)
    return moved


@page.get("/models/running")
def running_page(request: Request, plant: Plant, models: Models, language: Lang) -> HTMLResponse:
    return page_response("models-running.html", request, plant, language, models=models.listed())


@page.get("/models/running/{name}/{version}")
def model_page(
    request: Request, plant: Plant, models: Models, language: Lang, name: str, version: Number
) -> HTMLResponse:
    one = models.found(name, version)
    return page_response("model-running.html", request, plant, language, model=one)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BYTES_MAX:
            raise TooLarge(
                "bundle-too-large",
                Text(
                    f"A bundle that is sent like this has at most {BYTES_MAX >> 20} MiB.",
                    f"以此方式发送的模型包最大为 {BYTES_MAX >> 20} MiB。",
                ),
                Text("Put the file into the folder models.", "请将文件放入 models 文件夹。"),
            )
        parts.append(part)
    return b"".join(parts)
