"""The tags that machines have from their templates."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianji.base.errors import LianjiError, Text
from lianji.connect.templates import FOLDER, Template, Templates, used
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import Rejected


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """A tag, and the file and line that it comes from."""

    tag: Tag
    file: str
    line: int


@dataclass(slots=True)
class Templated:
    """All tags of templates. ``rejected`` are rows by their file; ``problems`` the rest."""

    tags: list[FromTemplate] = field(default_factory=list)
    rejected: list[tuple[str, Rejected]] = field(default_factory=list)
    problems: list[LianjiError] = field(default_factory=list)


def tags_from_templates(templates: Templates, devices: Path) -> Templated:
    """The tags of every device file that names a template.

    What is wrong with a device file itself is told where the devices are loaded, and not twice.
    """
    found = Templated()
    seen: set[str] = set()
    for device, content in _using(devices):
        try:
            template, values = used(content, templates, device)
        except LianjiError:
            continue
        file = _file(template)
        if template.name not in seen:
            seen.add(template.name)
            found.rejected += [(file, row) for row in template.table.rejected]
        for line, tag in template.tags(values, device):
            if isinstance(tag, Rejected):
                found.rejected.append((file, _of_machine(tag, device)))
            else:
                found.tags.append(FromTemplate(tag, file, line))
    return found


def _using(devices: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(devices.glob("*.toml")):
        try:
            text = path.read_bytes().decode("utf-8-sig")
            if "template" in text:
                content = tomllib.loads(text)
                if "template" in content:
                    yield path.stem, content
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue


def _file(template: Template) -> str:
    return f"{FOLDER}/{template.name}.csv"


def _of_machine(row: Rejected, device: str) -> Rejected:
    reason = Text(f"{row.reason.en} (device {device})", f"{row.reason.zh}（设备 {device}）")
    return Rejected(row.line, row.path, reason)
