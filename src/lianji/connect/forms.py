"""A driver's model as a form: what a person is asked, in words, with its bounds and defaults.

The model stays the only judge: a form shows what may be written and checks nothing itself.
"""

from __future__ import annotations

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
    config = driver_class(protocol).Config
    schema = config.model_json_schema()["properties"]
    required = set(config.model_json_schema().get("required", ()))
    first = FIRST[protocol]
    fields = [
        _field(protocol, name, info, schema[name], name in required)
        for name, info in config.model_fields.items()
        if name != "protocol"
    ]
    fields.sort(key=lambda field: first.index(field.name) if field.first else len(first))
    title, help_ = PROTOCOLS[protocol]
    return Form(protocol=protocol, title=title, help=help_, fields=fields)


def _field(
    protocol: str, name: str, info: FieldInfo, schema: dict[str, Any], required: bool
) -> Field:
    title, help_ = FIELDS[protocol][name]
    kind = _kind(schema)
    default = None if info.default_factory else schema.get("default")
    return Field(
        name=name,
        title=title,
        help=help_,
        widget=_widget(name, schema, kind),
        first=name in FIRST[protocol],
        required=required,
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
