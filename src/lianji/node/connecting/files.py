"""A machine as a form has it, and the files that say the same."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lianji.base.errors import InputError, LianjiError, Text
from lianji.base.redaction import HIDDEN, is_secret
from lianji.connect.devices import check_name, config_of, device_text
from lianji.connect.driver import DeviceConfig
from lianji.connect.field_errors import in_words
from lianji.dictionary.expression_words import ExpressionError
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes
from lianji.node.configuring.places import Files
from lianji.web.machines import Machine, TagRow

Change = dict[str, bytes | None]


def device_path(name: str) -> str:
    return f"devices/{check_name(name)}.toml"


def config_in(files: Files, machine: Machine) -> DeviceConfig:
    """The machine's configuration, judged by its driver's model; hidden secrets are filled in.

    Raises InputError that names every wrong field.
    """
    path = device_path(machine.name)
    old = _fields_in(files.get(path))
    given = {
        key: old.get(key) if value == HIDDEN else value for key, value in machine.fields.items()
    }
    given = {key: value for key, value in given.items() if value is not None}
    return config_of({**given, "protocol": machine.protocol}, path)


def shown_fields(config: DeviceConfig) -> dict[str, Any]:
    """All fields; a secret is hidden."""
    fields = config.model_dump(mode="json", exclude={"protocol"})
    return {key: HIDDEN if is_secret(key) and value else value for key, value in fields.items()}


def change_for(files: Files, machine: Machine) -> Change:
    """The files that make the plant have this machine. Raises InputError, also for a machine of a
    template, which a form would copy into the machine's own file."""
    path = device_path(machine.name)
    old = files.get(path)
    template = _fields_in(old).get("template")
    if template is not None:
        raise _templated(path, str(template))
    config = config_in(files, machine)
    same = config == _config_or_none(old, path)
    change: Change = {path: old if same and old else device_text(config, old, Path(path))}
    if machine.tags is not None:
        change.update(_tables(files, machine.name, machine.tags))
    return {place: content for place, content in change.items() if files.get(place) != content}


def removal_of(files: Files, name: str) -> Change:
    """The files without a machine and its tags."""
    return {device_path(name): None, **_tables(files, name, [])}


def tags_from(rows: Sequence[TagRow], device: str, old: dict[str, Tag] | None = None) -> list[Tag]:
    """Rows as tags; what a form does not show stays as it was. Raises InputError for a row."""
    tags, seen = [], set()
    for number, row in enumerate(rows, 1):
        fields = row.model_dump()
        before = (old or {}).get(row.path)
        try:
            if row.path in seen:
                raise ValueError(f"the path {row.path} is there twice")
            seen.add(row.path)
            tag = replace(before, **fields) if before else Tag(device=device, **fields)
        except (ValidationError, ExpressionError, ValueError) as error:
            raise _wrong_row(number, row, error) from error
        tags.append(tag)
    return tags


def _tables(files: Files, device: str, rows: Sequence[TagRow]) -> Change:
    """The tables that hold the device's tags, after they became ``rows``.

    A tag stays in the table that has it; new ones go to the device's own. A table without tags
    goes. Raises InputError for a table that has to change and cannot be read as a whole.
    """
    tables = {
        path: read_table(content) for path, content in files.items() if path.startswith("tags/")
    }
    old = {t.path: t for table in tables.values() for t in table.tags if t.device == device}
    wanted = {tag.path: tag for tag in tags_from(rows, device, old)}
    change: Change = {}
    for path, table in tables.items():
        if not any(tag.device == device for tag in table.tags):
            continue
        kept = [
            wanted.pop(tag.path) if tag.device == device else tag
            for tag in table.tags
            if tag.device != device or tag.path in wanted
        ]
        if kept != table.tags:
            change[path] = _table(path, kept, len(table.rejected))
    own = f"tags/{device}.csv"
    if wanted:
        before = tables.get(own)
        held = change.get(own) or files.get(own)
        there = read_table(held).tags if held else []
        change[own] = _table(own, [*there, *wanted.values()], len(before.rejected) if before else 0)
    return change


def _table(path: str, tags: list[Tag], rejected: int) -> bytes | None:
    if rejected:
        raise InputError(
            "tag-table-unsound",
            Text(
                f"{path} has {rejected} wrong rows, which rewriting it would lose.",
                f"{path} 有 {rejected} 行错误，重写会丢失这些行。",
            ),
            Text("Mend these rows first.", "请先修改这些行。"),
        )
    return table_bytes(tags) if tags else None


def _templated(path: str, template: str) -> InputError:
    return InputError(
        "machine-of-template",
        Text(
            f"{path} takes its settings and tags from the template {template}.",
            f"{path} 的设置和标签来自模板 {template}。",
        ),
        Text(
            "Change the template's files, for all its machines, or the parameters in this file.",
            "请修改模板文件（对其所有设备生效），或修改该文件中的参数。",
        ),
    )


def _fields_in(content: bytes | None) -> dict[str, Any]:
    try:
        return tomllib.loads((content or b"").decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _config_or_none(content: bytes | None, path: str) -> DeviceConfig | None:
    try:
        return config_of(_fields_in(content), path)
    except LianjiError:
        return None


def _wrong_row(number: int, row: TagRow, error: Exception) -> InputError:
    words = in_words(error) if isinstance(error, ValidationError) else Text(str(error), str(error))
    return InputError(
        "tag-row-invalid",
        Text(
            f"Row {number}, {row.path or 'without a path'}: {words.en}.",
            f"第 {number} 行 {row.path}：{words.zh}。",
        ),
        Text("Mend the row and try again.", "请修改该行后重试。"),
    )
