"""Models over HTTP, and the pages on which people judge them; a hub's engineers send them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from lianji.learn.models.comparing import compare
from lianji.web.access.guard import CONFIGURE, READ, Who
from lianji.web.api_hub import sees
from lianji.web.asked import Lang, Plant
from lianji.web.faults import errors
from lianji.web.page import page_response
from lianji.web.ports_models import ModelFound, ModelRow, ModelsView
from lianji.web.sites.refusals import whole_plant

router = APIRouter(prefix="/api/models", tags=["models"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])
EDGES_MAX = 1_000


class Models(BaseModel):
    models: list[ModelRow] = Field(description="The newest version of each.")
    damaged: list[dict[str, Any]] = Field(description="What cannot be read: code, cause, remedy.")


class ToSend(BaseModel):
    edges: list[str] = Field(min_length=1, max_length=EDGES_MAX, description="Names or patterns.")
    version: int | None = Field(None, ge=1, description="By default the newest.")


class Sent(BaseModel):
    edges: list[str] = Field(description="Those that are told.")


def _models(plant: Plant) -> ModelsView:
    if plant.models is None:
        raise whole_plant()
    return plant.models


All = Annotated[ModelsView, Depends(_models)]
Version = Annotated[int | None, Query(ge=1, description="By default the newest.")]


@router.get("", operation_id="models", responses=errors(400, 403))
def listed(models: All) -> Models:
    """The newest version of each model."""
    found, wrong = models.listed()
    return Models(models=found, damaged=[one.as_json() for one in wrong])


@router.get("/{name}", operation_id="model", responses=errors(400, 403, 404, 507))
def found(models: All, name: str, version: Version = None) -> ModelFound:
    """A version of a model: its card, its signature, where it was sent."""
    return models.found(name, version)


@router.get(
    "/{name}/bundle",
    operation_id="model_bundle",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}, **errors(400, 403, 404, 507)},
)
def bundle(models: All, name: str, version: Version = None) -> Response:
    """The signed bundle of a version."""
    file, content = models.bundle(name, version)
    named = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(content, media_type="application/zip", headers=named)


@router.post(
    "/{name}/send",
    operation_id="model_send",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 404, 507),
)
def send(models: All, who: Who, name: str, asked: ToSend) -> Sent:
    """Send a signed version to plants of this hub."""
    return Sent(edges=models.send(name, asked.version, asked.edges, who.name))


@page.get("/models")
def models_page(request: Request, plant: Plant, models: All, language: Lang) -> HTMLResponse:
    found, wrong = models.listed()
    return page_response("models.html", request, plant, language, models=found, damaged=wrong)


@page.get("/models/{name}")
def model_page(
    request: Request,
    plant: Plant,
    models: All,
    who: Who,
    language: Lang,
    name: str,
    version: Version = None,
    other: Annotated[int | None, Query(alias="with", ge=1)] = None,
) -> HTMLResponse:
    found = models.found(name, version)
    compared = models.found(name, other) if other is not None else None
    plants = plant.plants.rows(sees(who)) if plant.plants is not None else []
    more = {
        "model": found,
        "compared": compared,
        "differences": compare(compared.card, found.card) if compared else [],
        "edges": [
            row.name for row in plants if row.joined_us is not None and row.state != "revoked"
        ],
    }
    return page_response("model.html", request, plant, language, **more)
