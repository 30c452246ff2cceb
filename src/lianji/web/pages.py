"""The pages. Each is a small shell of HTML; scripts fill it from the same API that anybody uses."""

from __future__ import annotations

from pathlib import Path

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from lianji.web.asked import LANGUAGE_COOKIE, Lang, Plant
from lianji.web.locale import texts_in
from lianji.web.ports import PlantView

router = APIRouter(include_in_schema=False)

_YEAR_S = 31_536_000
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@router.get("/")
async def status_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("status.html", request, plant, language)


@router.get("/chart")
async def chart_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("chart.html", request, plant, language)


@router.get("/connect")
async def connect_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    return _page("connect.html", request, plant, language)


@router.get("/docs")
async def docs_page(request: Request, plant: Plant, language: Lang) -> HTMLResponse:
    """Swagger's page from our own files: FastAPI's would load from a CDN."""
    return _page("docs.html", request, plant, language)


def _page(name: str, request: Request, plant: PlantView, language: Lang) -> HTMLResponse:
    texts = texts_in(language)
    html = _templates.get_template(name).render(
        t=texts,
        language=language,
        html_language="zh-CN" if language == "zh" else "en",
        title=plant.title(language),
        path=request.url.path,
        page={"language": language, "texts": texts},
    )
    response = HTMLResponse(html)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if "lang" in request.query_params:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax")
    return response
