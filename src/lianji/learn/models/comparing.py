"""Where the cards of two versions differ, field by field; columns are matched by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lianji.learn.models.card import Card

Value = str | int | float | bool | None
UNLIKE = ("name", "version", "format")
"""What is no difference in itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``part`` is a field of the card, ``item`` the column or metric in it (empty where the part
    is one), ``field`` that of the item. None where the other version has no such thing."""

    part: str
    item: str
    field: str
    before: Value
    after: Value


def compare(before: Card, after: Card) -> list[Difference]:
    """In the order of the card; where only the order of inputs changed, that is told too."""
    old, new = _flat(before), _flat(after)
    return [
        Difference(*place, old.get(place), new.get(place))
        for place in dict.fromkeys([*new, *old])
        if old.get(place) != new.get(place)
    ]


def _flat(card: Card) -> dict[tuple[str, str, str], Value]:
    found: dict[tuple[str, str, str], Value] = {}
    for part, value in card.model_dump(mode="json").items():
        if part in UNLIKE:
            continue
        if isinstance(value, list):
            for number, one in enumerate(value, 1):
                item = str(one.get("name") or one.get("tag"))
                found[part, item, "place"] = number
                _put(found, part, item, one)
        elif isinstance(value, dict):
            _put(found, part, "", value)
        else:
            found[part, "", ""] = value
    return found


def _put(found: dict[tuple[str, str, str], Value], part: str, item: str, one: Any) -> None:
    for name, value in one.items():
        if not item or name != "name":  # by which it was found
            found[part, item, name] = value
