"""How a page is made: a template, the words of its language, and who looks at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from lianji.base.clock import from_us
from lianji.base.errors import Language
from lianji.web.access.roles import Identity, Need
from lianji.web.asked import LANGUAGE_COOKIE
from lianji.web.locale import texts_in
from lianji.web.ports import PlantView

THEME_COOKIE = "lianji-theme"
_YEAR_S = 31_536_000
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["moment"] = lambda us: f"{from_us(us):%Y-%m-%dT%H:%M:%SZ}"
_templates.filters["told"] = lambda text: ", ".join(
    f"{key}: {value}" for key, value in json.loads(text).items()
)


def page_response(
    template: str, request: Request, plant: PlantView, language: Language, **more: Any
) -> HTMLResponse:
    """The template with ``t`` (words), ``user`` (who looks, see ``user_of``), ``may`` (a set of
    rights) and whatever ``more`` is given."""
    texts = texts_in(language)
    who: Identity | None = request.state.who
    html = _templates.get_template(template).render(
        t=texts,
        language=language,
        html_language="zh-CN" if language == "zh" else "en",
        title=plant.title(language),
        path=request.url.path,
        theme=_theme(request),
        user=user_of(who),
        is_hub=plant.plants is not None,
        has_demo=plant.demo is not None and plant.demo.is_here,
        reconciles=plant.reconciling is not None,
        has_jobs=plant.jobs is not None and plant.jobs.any(),
        has_datasets=plant.datasets is not None and plant.datasets.any(),
        has_models=plant.models is not None and plant.models.any(),
        has_experiments=plant.experiments is not None and plant.experiments.any(),
        has_running=plant.deploying is not None and plant.deploying.any(),
        may=[] if who is None else sorted(who.may),
        page={"language": language, "texts": texts, "user": user_of(who)},
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


def user_of(who: Identity | None) -> dict[str, Any] | None:
    """What a page is told of who looks at it: name, role, kind, csrf and rights."""
    if who is None:
        return None
    return {
        "name": who.name,
        "role": who.role.value if who.role else "",
        "kind": who.kind,
        "csrf": who.csrf,
        "may": [need.value for need in Need if need in who.may],
    }
