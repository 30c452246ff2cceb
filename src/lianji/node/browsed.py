"""From what a device offers to rows of a tag table that a person then edits."""

from __future__ import annotations

from collections.abc import Iterable

from lianji.connect.driver import Found
from lianji.dictionary.tag import Tag, tidied_path
from lianji.dictionary.units import check_unit


def tags_of(found: Iterable[Found], prefix: str, device: str) -> list[Tag]:
    """One tag for each thing found, below a prefix; equal names get a number."""
    taken: dict[str, int] = {}
    tags = []
    for one in found:
        path = f"{prefix}/{tidied_path(one.name or one.address)}"
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


def _known(unit: str) -> str:
    try:
        return check_unit(unit)
    except ValueError:
        return ""  # the device's own spelling is no UCUM; the person who edits knows better
