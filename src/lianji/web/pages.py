"""The pages. Each is a small shell of HTML; scripts fill it from the same API that anybody uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from lianji.web.asked import LANGUAGE_COOKIE, Lang, Plant
from lianji.web.dashboard import OVERVIEW
from lianji.web.locale import texts_in
from lianji.web.ports import PlantView

router = APIRouter(include_in_schema=False)

THEME_COOKIE = "lianji-theme"
_YEAR_S = 31_536_000
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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


@router.get("/docs")
async def docs_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    """Swagger's page from our own files: FastAPI's would load from a CDN."""
    return _page("docs.html", request, plant, language)


def _page(
    template: str, request: Request, plant: PlantView, language: Lang, **more: Any
) -> HTMLResponse:
    texts = texts_in(language)
    html = _templates.get_template(template).render(
        t=texts,
        language=language,
        html_language="zh-CN" if language == "zh" else "en",
        title=plant.title(language),
        path=request.url.path,
        theme=_theme(request),
        page={"language": language, "texts": texts},
        **more,
    )
    response = HTMLResponse(html)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if "lang" in request.query_params:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax")
    return response


def _theme(request: Request) -> str:
    """``light``, ``dark`` or nothing, as the switch of the page left it in a cookie."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return theme if theme in ("light", "dark") else ""
