"""From what a device offers to rows of a tag table that a person then edits."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lianji.connect.driver import Found
from lianji.dictionary.tag import Tag
from lianji.dictionary.units import check_unit

_FORBIDDEN = re.compile(r"[\x00-\x1f\"'`\\,;]+")


def tags_of(found: Iterable[Found], prefix: str, device: str) -> list[Tag]:
    """One tag for each thing found, below a prefix; equal names get a number."""
    taken: dict[str, int] = {}
    tags = []
    for one in found:
        path = f"{prefix}/{_clean(one.name or one.address)}"
        taken[path] = taken.get(path, 0) + 1
        if taken[path] > 1:
            path = f"{path}-{taken[path]}"
        tags.append(
            Tag(
                path=path,
                device=device,
                address=one.address,
                unit=_known(one.unit),
                description_en=one.description,
            )
        )
    return tags


def _clean(name: str) -> str:
    parts = (_FORBIDDEN.sub("_", part).strip() for part in name.split("/"))
    return "/".join(part for part in parts if part) or "unnamed"


def _known(unit: str) -> str:
    try:
        return check_unit(unit)
    except ValueError:
        return ""  # the device's own spelling is no UCUM; the person who edits knows better
