"""The words of the chart page."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {}
