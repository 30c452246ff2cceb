"""A driver's model as a form: what a person is asked, in words, with its bounds and defaults.

The model stays the only judge: a form shows what may be written and checks nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lianji.base.errors import Text
from lianji.base.redaction import is_secret
from lianji.connect.devices import DRIVERS, driver_class
from lianji.connect.field_words import FIELDS, FIRST, PROTOCOLS

Widget = Literal["text", "secret", "number", "switch", "choice", "lines"]


class Field(BaseModel):
    """One question of a form."""

    name: str
    title: Text
    help: Text
    widget: Widget
    first: bool
    """Most machines need it."""
    required: bool
    default: Any = None
    choices: list[str | int] = []
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False


class Form(BaseModel):
    """The questions of one protocol; the first ones first."""

    protocol: str
    title: Text
    help: Text
    fields: list[Field]


def forms() -> list[Form]:
    """Of every protocol that people may choose."""
    return [form(name) for name in DRIVERS if name in PROTOCOLS]


def form(protocol: str) -> Form:
    """Raises InputError for an unknown protocol, KeyError for a field without words."""
    fields = fields_of(driver_class(protocol).Config, FIELDS[protocol], FIRST[protocol])
    title, help_ = PROTOCOLS[protocol]
    return Form(protocol=protocol, title=title, help=help_, fields=fields)


def fields_of(
    model: type[BaseModel], words: Mapping[str, tuple[Text, Text]], first: Sequence[str]
) -> list[Field]:
    """The questions of a model, those of ``first`` first. ``words`` are title and help of each.

    Raises KeyError for a field without words.
    """
    whole = model.model_json_schema()
    required = set(whole.get("required", ()))
    fields = []
    for name, info in model.model_fields.items():
        if name != "protocol":
            schema = _resolved(whole["properties"][name], whole.get("$defs", {}))
            fields.append(_field(name, words[name], info, schema, name in first))
            fields[-1].required = name in required
    fields.sort(key=lambda field: first.index(field.name) if field.first else len(first))
    return fields


def _resolved(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A field whose type is named elsewhere (an enumeration) with what is said there."""
    named = schema.get("$ref", "").rpartition("/")[2]
    return {**definitions[named], **schema} if named else schema


def _field(
    name: str, words: tuple[Text, Text], info: FieldInfo, schema: dict[str, Any], first: bool
) -> Field:
    title, help_ = words
    kind = _kind(schema)
    default = None if info.default_factory else schema.get("default")
    return Field(
        name=name,
        title=title,
        help=help_,
        widget=_widget(name, schema, kind),
        first=first,
        required=False,
        default=[] if kind == "array" else default,
        choices=schema.get("enum", []),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        whole=kind == "integer",
    )


def _kind(schema: dict[str, Any]) -> str:
    """The JSON type; of ``string or null`` the string."""
    kinds = [schema, *schema.get("anyOf", [])]
    return next((k["type"] for k in kinds if k.get("type") not in (None, "null")), "string")


def _widget(name: str, schema: dict[str, Any], kind: str) -> Widget:
    if "enum" in schema:
        return "choice"
    if is_secret(name):
        return "secret"
    by_kind: dict[str, Widget] = {
        "boolean": "switch",
        "integer": "number",
        "number": "number",
        "array": "lines",
    }
    return by_kind.get(kind, "text")
