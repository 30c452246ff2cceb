"""A hub's pages: its plants, and one of them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from lianji.web.access.guard import READ, Who
from lianji.web.api_hub import Plants, sees
from lianji.web.asked import Lang, Plant
from lianji.web.page import page_response

router = APIRouter(include_in_schema=False, dependencies=[READ])


@router.get("/hub")
def plants_page(request: Request, plant: Plant, plants: Plants, language: Lang) -> HTMLResponse:
    return page_response("hub.html", request, plant, language, hub=plants.name)


@router.get("/hub/plants/{name}")
def plant_page(
    request: Request, plant: Plant, plants: Plants, who: Who, language: Lang, name: str
) -> HTMLResponse:
    row = plants.row(name, sees(who))
    return page_response("hub-plant.html", request, plant, language, name=row.name)
