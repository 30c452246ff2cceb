"""Templates with every machine that uses them: what each would be, and what is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from lianji.base.errors import LianjiError, Text
from lianji.connect.devices import driver_for, load_device
from lianji.connect.points import parse_tags
from lianji.connect.templates import Templates, used
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import Rejected
from lianji.node.folder import PlantFolder


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: in which template, at which line, with which machine."""

    template: str
    line: int
    machine: str
    error: Text


@dataclass(slots=True)
class InUse:
    name: str
    parameters: list[str]
    tags: int
    machines: list[str]


@dataclass(slots=True)
class Report:
    templates: int = 0
    machines: int = 0
    tags: int = 0
    problems: list[Problem] = field(default_factory=list)


def templates_in_use(folder: PlantFolder) -> list[InUse]:
    """Every template that can be read, with the machines that name it."""
    templates = Templates(folder.templates)
    users = _users(folder.devices)
    found: dict[str, InUse] = {}
    for name in templates.names():
        try:
            template = templates.of(name)
        except LianjiError:
            continue
        tags = len(template.table.tags)
        found[name] = InUse(name, list(template.parameters), tags, [])
    for device, wanted in users.items():
        try:
            found[templates.of(wanted).name].machines.append(device)
        except (LianjiError, KeyError):
            continue
    return list(found.values())


def checked(folder: PlantFolder) -> Report:
    """Look at every template, and at every machine as its template makes it."""
    templates, report = Templates(folder.templates), Report()
    for name in templates.names():
        report.templates += 1
        try:
            template = templates.of(name)
        except LianjiError as error:
            report.problems.append(Problem(name, 0, "", error.cause))
            continue
        for row in template.table.rejected:
            report.problems.append(Problem(name, row.line, "", row.reason))
    for device, wanted in _users(folder.devices).items():
        report.machines += 1
        _check_machine(folder, templates, device, wanted, report)
    return report


def _check_machine(
    folder: PlantFolder, templates: Templates, device: str, wanted: str, report: Report
) -> None:
    path = folder.devices / f"{device}.toml"
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        template, values = used(content, templates, device)
        config = load_device(path)
    except LianjiError as error:
        report.problems.append(Problem(wanted, 0, device, error.cause))
        return
    good: list[tuple[int, Tag]] = []
    for line, tag in template.tags(values, device):
        if isinstance(tag, Rejected):
            report.problems.append(Problem(template.name, line, device, tag.reason))
        else:
            good.append((line, tag))
    report.tags += len(good)
    read = [(line, tag) for line, tag in good if tag.device]
    parsed = parse_tags(driver_for(config), [tag for _, tag in read])
    for number, rejected in parsed.rejected.items():
        problem = Problem(template.name, read[number][0], device, rejected.reason)
        report.problems.append(problem)


def _users(devices: Path) -> dict[str, str]:
    """The template that each device file names, by device."""
    found: dict[str, str] = {}
    for path in sorted(devices.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        if isinstance(content.get("template"), str):
            found[path.stem] = content["template"]
    return found
