"""The pages. Each is a small shell of HTML; scripts fill it from the same API that anybody uses."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from lianji.web.access.guard import CONFIGURE, READ
from lianji.web.asked import Lang, Plant
from lianji.web.dashboard import OVERVIEW
from lianji.web.page import page_response as _page

router = APIRouter(include_in_schema=False, dependencies=[READ])


@router.get("/")
async def front_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("dashboard.html", request, plant, language, name=OVERVIEW)


@router.get("/dashboard/{name}")
async def dashboard_page(request: Request, plant: Plant, language: Lang, name: str) -> HTMLResponse:
    """With ``?wall`` for a screen on the wall."""
    return _page("dashboard.html", request, plant, language, name=name)


@router.get("/status")
async def status_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("status.html", request, plant, language)


@router.get("/chart")
async def chart_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("chart.html", request, plant, language)


@router.get("/alarms")
async def alarms_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("alarms.html", request, plant, language)


@router.get("/tags")
async def tags_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("tags.html", request, plant, language)


@router.get("/connect", dependencies=[CONFIGURE])
async def connect_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("connect.html", request, plant, language)


@router.get("/docs")
async def docs_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    """Swagger's page from our own files: FastAPI's would load from a CDN."""
    return _page("docs.html", request, plant, language)
