"""Names of columns and signals as other systems write them, made into tag paths, always alike."""

from __future__ import annotations

import re

from lianji.dictionary.tag import check_path

_FORBIDDEN = re.compile(r"[\x00-\x1f\"'`\\,;/]+")
_FORBIDDEN_IN_PATH = re.compile(r"[\x00-\x1f\"'`\\,;]+")


def part_of(name: str, number: int) -> str:
    """One part of a path: what may not stand in it becomes ``_``; column ``number`` if empty."""
    return _FORBIDDEN.sub("_", name.strip()).strip() or f"column_{number}"


def column_path(prefix: str, name: str, number: int) -> str:
    """The tag path of a column. Raises ValueError where even that is none (too long)."""
    return check_path(_joined(prefix, part_of(name, number)))


def signal_path(prefix: str, name: str) -> str:
    """The tag path of a signal named in a row, whose slashes are those of a path."""
    parts = (_FORBIDDEN_IN_PATH.sub("_", part.strip()).strip() for part in name.split("/"))
    return check_path(_joined(prefix, "/".join(part for part in parts if part)))


def _joined(prefix: str, rest: str) -> str:
    return f"{prefix.strip('/')}/{rest}" if prefix.strip("/") else rest
