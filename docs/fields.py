"""Models as tables: a row a field, with what may be written, its default and its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import sources
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Row = Sequence[str]


def table(header: Row, rows: Iterable[Row]) -> str:
    """A Markdown table; ``|`` and line ends within cells are made harmless."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in row) + " |\n" for row in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def fields(model: type[BaseModel], leave_out: Iterable[str] = ()) -> Iterator[Row]:
    """Rows of name, value, default and sentence. Raises LookupError if a sentence is missing."""
    for name, info in model.model_fields.items():
        if name not in leave_out:
            yield (f"`{name}`", type_of(info), default_of(info), sentence(model, name))


def sentence(model: type, name: str) -> str:
    said = sources.sentences(model).get(name)
    if not said:
        raise LookupError(f"{model.__name__}.{name} has no sentence: write one below the field")
    return said


def type_of(info: FieldInfo) -> str:
    """What may be written, with its bounds: ``whole number, 1 to 65535``."""
    words = _type_words(info.annotation)
    low = next((m for m in info.metadata if isinstance(m, Ge | Gt)), None)
    high = next((m for m in info.metadata if isinstance(m, Le)), None)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"{words}, {_number(low.ge)} to {_number(high.le)}"
    if low is not None:
        at_least = f"at least {_number(low.ge)}" if isinstance(low, Ge) else f"above {low.gt}"
        return f"{words}, {at_least}"
    if any(isinstance(m, MinLen) and m.min_length for m in info.metadata):
        return f"{words}, not empty"
    return words


def _type_words(kind: Any) -> str:
    names = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        SecretStr: "text",
        Path: "path",
    }
    if kind in names:
        return names[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    if is_table(kind):
        return "a table, see below"
    inner = [part for part in get_args(kind) if part is not type(None)]
    if getattr(kind, "__origin__", None) is list:
        return "tables, see below" if is_table(inner[0]) else f"list of {_type_words(inner[0])}"
    if getattr(kind, "__origin__", None) is dict:
        return "number=meaning;..."
    if inner and all(isinstance(part, str | int) for part in inner):
        return " or ".join(f"`{part}`" for part in inner)
    return " or ".join(_type_words(part) for part in inner) if inner else str(kind)


def is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def nested(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables within a table, with their headings: ``[[history.tiers]]``."""
    for name, info in model.model_fields.items():
        is_list = getattr(info.annotation, "__origin__", None) is list
        for kind in get_args(info.annotation):
            if is_table(kind):
                heading = f"[[{path}.{name}]]" if is_list else f"[{path}.{name}]"
                yield heading, kind
                yield from nested(kind, f"{path}.{name}")


def _number(number: Any) -> str:
    return f"{number:_}" if number >= 100_000 else f"{number:g}"


def default_of(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    return "" if info.default_factory else shown(info.default)


def shown(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, SecretStr):
        return "" if not value.get_secret_value() else "***"
    if value in ("", None, [], {}) and value is not False and value != 0:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_number(value)}`" if isinstance(value, int | float) else f"`{value}`"
