"""A dashboard: tiles in reading order on a grid of twelve columns, as its file says it.

The same model checks the file that a person wrote, the page's form and the API, so that what one
accepts the others accept.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lianji.base.errors import NotFound, Text
from lianji.dictionary.moments import parse_span
from lianji.dictionary.tag import check_path

COLUMNS = 12
ROWS_MAX = 12
TILES_MAX = 200
TAGS_MAX = 64
NAME_LENGTH_MAX = 64
OVERVIEW = "overview"
"""The dashboard at the plant's front page: made from the dictionary until somebody saves one."""
_NAME = re.compile(r"\w(?:[\w -]*\w)?")


class TileKind(StrEnum):
    NUMBER = "number"
    """One tag: its value, large, and where it stands between its limits."""
    TREND = "trend"
    """A small chart of the last hours."""
    BAR = "bar"
    """Tags side by side, each against its limits."""
    STATES = "states"
    """Which state held when, a line a tag."""
    TABLE = "table"
    """Last values, one a row."""
    TEXT = "text"
    """A heading, or words."""


class Tile(BaseModel):
    """One tile. Titles may be empty: then a tag's own description stands there."""

    model_config = ConfigDict(extra="forbid")

    kind: TileKind
    title_en: str = Field("", max_length=200)
    title_zh: str = Field("", max_length=200)
    tags: list[str] = Field(default_factory=list, max_length=TAGS_MAX)
    span: str = Field("8h", description="How far trends and states look back: 15min, 8h, 7d.")
    text: str = Field("", max_length=10_000, description="Of a text tile, as it is.")
    width: Annotated[int, Field(ge=1, le=COLUMNS)] = 4
    height: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 2

    @field_validator("tags")
    @classmethod
    def _well_formed(cls, tags: list[str]) -> list[str]:
        return [check_path(tag) for tag in dict.fromkeys(tags)]

    @field_validator("span")
    @classmethod
    def _a_span(cls, span: str) -> str:
        try:
            parse_span(span)
        except Exception as error:
            raise ValueError(f"'{span}' is not a span such as 15min, 8h or 7d") from error
        return span


class Dashboard(BaseModel):
    """What a file ``dashboards/<name>.json`` holds."""

    model_config = ConfigDict(extra="forbid")

    title_en: str = Field("", max_length=200)
    title_zh: str = Field("", max_length=200)
    tiles: list[Tile] = Field(default_factory=list, max_length=TILES_MAX)


class DashboardEntry(BaseModel):
    """One of the plant's dashboards."""

    name: str
    title_en: str
    title_zh: str
    made: bool = Field(description="Made from the dictionary, and nobody has saved it yet.")


class KeptDashboard(BaseModel):
    """A dashboard and the version that a change of it must name."""

    name: str
    version: str = Field(description="Changes with every save; empty while it has no file.")
    made: bool
    dashboard: Dashboard


def is_name(name: str) -> bool:
    """Whether a dashboard may be called so: letters of any script, digits, ``-``, ``_``, spaces
    within. It is a file's name too."""
    return len(name) <= NAME_LENGTH_MAX and _NAME.fullmatch(name) is not None


def title_of(name: str, dashboard: Dashboard) -> Text:
    """In both languages: one title stands in for the other, and the name for both."""
    en, zh = dashboard.title_en, dashboard.title_zh
    return Text(en or zh or name, zh or en or name)


def unknown_dashboard(name: str) -> NotFound:
    return NotFound(
        "dashboard-unknown",
        Text(f"There is no dashboard '{name}'.", f"没有名为“{name}”的看板。"),
        Text("Choose one of the list, or add it.", "请从列表中选择，或新建一个。"),
    )
