"""UDT definitions of an Ignition export, and the parameters that are put into their members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lianji.connect.foreign.placed_json import LINE

_PARAMETER = re.compile(r"\{\s*(\w+)\s*(?:([+-])\s*(\d+))?\s*\}")
_DEPTH_MAX = 20


class Types:
    """The definitions of one file, by the path below ``_types_`` that instances name."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._found: dict[str, Mapping[str, Any]] = {}
        for root in roots:
            for path, node in _definitions(root, (), 0):
                self._found.setdefault(path, node)

    def members(self, type_id: str) -> list[Mapping[str, Any]] | None:
        """A type's members, those of the types that it is made from among them; or None."""
        node = self._of(type_id)
        if node is None:
            return None
        merged: dict[str, Mapping[str, Any]] = {}
        for one in reversed(list(self._line(node))):
            for member in children(one):
                name = str(member.get("name"))
                merged[name] = {**merged.get(name, {}), **member}
        return list(merged.values())

    def parameters(self, type_id: str) -> dict[str, str]:
        """The defaults of a type's parameters."""
        node = self._of(type_id)
        values: dict[str, str] = {}
        for one in reversed(list(self._line(node))) if node else ():
            values.update(parameters_of(one, values))
        return values

    def _of(self, type_id: str) -> Mapping[str, Any] | None:
        return self._found.get(type_id.removeprefix("_types_/"))

    def _line(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """A type, the one that it is made from, and so on."""
        for _ in range(_DEPTH_MAX):
            yield node
            parent = self._of(str(node.get("typeId") or ""))
            if parent is None or parent is node:
                return
            node = parent


def _definitions(
    node: Any, above: tuple[str, ...], depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(node, Mapping) or depth > _DEPTH_MAX:
        return
    name = str(node.get("name", ""))
    if node.get("tagType") == "UdtType":
        yield "/".join((*above, name)), node
        return
    here = () if name in ("_types_", "") or node.get("tagType") == "Provider" else (*above, name)
    for child in children(node):
        yield from _definitions(child, here, depth + 1)


def children(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What lies in a node; whatever is no object is left out."""
    found = node.get("tags")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def parameters_of(node: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The parameters that a node names, as text, with those from above put in."""
    said = node.get("parameters", {})
    if isinstance(said, list):
        said = {str(one.get("name")): one for one in said if isinstance(one, Mapping)}
    values: dict[str, str] = {}
    for name, value in said.items() if isinstance(said, Mapping) else ():
        if name == LINE:
            continue
        if isinstance(value, Mapping) and "bindType" not in value:
            value = value.get("value", "")
        found = bound(value, given)
        values[name] = "" if found is None else str(found)
    return values


def bound(value: Any, given: Mapping[str, str]) -> Any:
    """A property's value: that of its binding where it has one, parameters put in."""
    if isinstance(value, Mapping):
        value = value.get("binding", value.get("value", ""))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        name, sign, step = found.groups()
        if name not in given:
            return found[0]
        if sign is None:
            return given[name]
        try:
            return str(int(given[name]) + int(sign + step))
        except ValueError:
            return found[0]

    return _PARAMETER.sub(put, value)
