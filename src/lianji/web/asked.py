"""What the routers share of a request: the plant, tags, times and format that it names, and its
language."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from lianji.base.clock import now_us
from lianji.base.errors import InputError, Language, Text
from lianji.dictionary.moments import parse_range
from lianji.web.access.roles import Identity
from lianji.web.access.sites import ALL
from lianji.web.faults import TooLarge
from lianji.web.formats import Format, choose
from lianji.web.ports import PlantView
from lianji.web.sites.plant import SitePlants

TAGS_MAX = 1_000
LANGUAGE_COOKIE = "lianji-lang"
TIME = "ISO 8601 with a zone, microseconds since 1970, now, or relative such as -1h."


def _plant(request: Request) -> PlantView:
    """The plant as whoever asks may see it."""
    plants: SitePlants = request.app.state.plants
    who: Identity | None = request.state.who
    return plants.of(ALL if who is None else who.sites)


def split_tags(
    tags: Annotated[
        list[str], Query(description="Paths or patterns such as demo/*/power, by commas.")
    ],
) -> list[str]:
    """Tag paths without their repetitions, in the order asked for. Raises InputError."""
    paths = list(
        dict.fromkeys(p for text in tags for part in text.split(",") if (p := part.strip()))
    )
    if not paths:
        raise InputError(
            "tags-missing",
            Text("The request names no tag.", "请求没有指定标签。"),
            Text("Name them as ?tags=a,b.", "请写成 ?tags=a,b。"),
        )
    return at_most(TAGS_MAX, paths)


def at_most(tags_max: int, paths: list[str]) -> list[str]:
    """The paths themselves. Raises TooLarge if they are more than ``tags_max``."""
    if len(paths) > tags_max:
        raise TooLarge(
            "tags-too-many",
            Text(
                f"The request names {len(paths)} tags and may name {tags_max}.",
                f"请求包含 {len(paths)} 个标签，最多 {tags_max} 个。",
            ),
            Text("Ask for fewer tags at once.", "请减少每次请求的标签数量。"),
        )
    return paths


def language_of(request: Request) -> Language:
    """``?lang=``, else the cookie, else the first of Accept-Language that we speak, else en."""
    for text in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if text == "zh":
            return "zh"
        if text == "en":
            return "en"
    return _best(request.headers.get("accept-language", ""))


def _best(accepted: str) -> Language:
    weighted: list[tuple[float, Language]] = []
    for part in accepted.lower().split(","):
        match = re.fullmatch(r"\s*(zh|en)(?:-[\w-]+)?\s*(?:;\s*q=([\d.]{1,5}))?\s*", part)
        if match:
            weight = float(match[2]) if re.fullmatch(r"\d(\.\d+)?", match[2] or "") else 1.0
            weighted.append((weight, "zh" if match[1] == "zh" else "en"))
    return max(weighted, key=lambda entry: entry[0])[1] if weighted else "en"


def _format(
    format: Annotated[Format | None, Query(description="Wins over Accept.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Format:
    return choose(format, accept)


def _range(
    start: Annotated[str, Query(description=TIME)] = "-1h",
    end: Annotated[str, Query(description=TIME)] = "now",
) -> tuple[int, int]:
    return parse_range(start, end, now_us())


Plant = Annotated[PlantView, Depends(_plant)]
Tags = Annotated[list[str], Depends(split_tags)]
Lang = Annotated[Language, Depends(language_of)]
How = Annotated[Format, Depends(_format)]
Between = Annotated[tuple[int, int], Depends(_range)]
