"""All that a plant is told: settings, devices, tags; and what is wrong with them.

A wrong file or row keeps nothing else from working: it becomes a problem with its place, its cause
and its remedy, shown by `status`, the page and `tag check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lianji.base.errors import InputError, LianjiError, Text
from lianji.connect.devices import load_devices
from lianji.connect.driver import DeviceConfig
from lianji.connect.templates import Templates
from lianji.dictionary.expression import Expression, parse
from lianji.dictionary.expression_order import untangled
from lianji.dictionary.tag import Kind, Tag
from lianji.dictionary.tag_table import read_table
from lianji.node.folder import PlantFolder
from lianji.node.settings import Settings, load_settings
from lianji.node.templated import tags_from_templates


@dataclass(slots=True)
class Configuration:
    settings: Settings
    devices: dict[str, DeviceConfig] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    """By path."""
    calculated: dict[str, Expression] = field(default_factory=dict)
    """How each calculated tag comes out of measured ones alone, by path."""
    problems: list[LianjiError] = field(default_factory=list)

    def is_linear(self, path: str) -> bool:
        """Whether a signal moves in slopes; those that nobody described do."""
        tag = self.tags.get(path)
        return tag is None or tag.kind is Kind.LINEAR

    def tags_of(self, device: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if tag.device == device]

    def by_device(self) -> Mapping[str, list[Tag]]:
        """The tags of every device, in one walk."""
        found: dict[str, list[Tag]] = {name: [] for name in self.devices}
        for tag in self.tags.values():
            if tag.device in found:
                found[tag.device].append(tag)
        return found


def load_configuration(folder: PlantFolder) -> Configuration:
    """Raises NotFound or InputError only where ``lianji.toml`` itself is missing or wrong."""
    configuration = load_tags(folder)
    devices = load_devices(folder.devices)
    configuration.devices = devices.configs
    configuration.problems += devices.errors.values()
    known = set(configuration.devices) | set(devices.errors)
    configuration.problems += _without_device(configuration, known)
    return configuration


def load_tags(folder: PlantFolder) -> Configuration:
    """Settings and tags without the devices, whose drivers take their time to be imported."""
    configuration = Configuration(load_settings(folder.root))
    places: dict[str, tuple[str, int]] = {}
    for path in sorted(folder.tags.glob("*.csv")):
        try:
            imported = read_table(path)
        except LianjiError as error:
            configuration.problems.append(_in_file(path.name, error))
            continue
        for row in imported.rejected:
            configuration.problems.append(_row_problem(path.name, row.line, row.path, row.reason))
        for tag in imported.tags:
            if _take(configuration, tag, path.name) and tag.expression:
                places[tag.path] = (path.name, imported.lines[tag.path])
    _take_templated(configuration, folder, places)
    _calculate(configuration, places)
    return configuration


def _take_templated(
    configuration: Configuration, folder: PlantFolder, places: dict[str, tuple[str, int]]
) -> None:
    """The tags that machines have from their templates."""
    found = tags_from_templates(Templates(folder.templates), folder.devices)
    configuration.problems += found.problems
    for file, row in found.rejected:
        configuration.problems.append(_row_problem(file, row.line, row.path, row.reason))
    for one in found.tags:
        if _take(configuration, one.tag, one.file, one.line) and one.tag.expression:
            places[one.tag.path] = (one.file, one.line)


def _take(configuration: Configuration, tag: Tag, file: str, line: int = 0) -> bool:
    if tag.path in configuration.tags:
        reason = Text("another table has this path already", "其他表中已有该路径")
        configuration.problems.append(_row_problem(file, line, tag.path, reason))
        return False
    configuration.tags[tag.path] = tag
    return True


def _calculate(configuration: Configuration, places: Mapping[str, tuple[str, int]]) -> None:
    """Take the calculated tags, in file and line, that can be worked out; drop the others."""
    expressions = {path: parse(configuration.tags[path].expression) for path in places}
    found = untangled(expressions, configuration.tags.__contains__)
    configuration.calculated = found.sound
    for path, (file, line) in places.items():
        if path in found.refused:
            del configuration.tags[path]
            configuration.problems.append(_row_problem(file, line, path, found.refused[path]))


def _in_file(file: str, error: LianjiError) -> InputError:
    """What is wrong with a table as a whole, with its name."""
    cause = Text(f"{file}: {error.cause.en}", f"{file}：{error.cause.zh}")
    return InputError(error.code, cause, error.remedy)


def _row_problem(file: str, line: int, path: str, reason: Text) -> InputError:
    where = f"{file}, line {line}" if line else file
    where_zh = f"{file} 第 {line} 行" if line else file
    return InputError(
        "tag-row-invalid",
        Text(f"{where}: {path or '(no path)'}: {reason.en}.", f"{where_zh}：{path}：{reason.zh}。"),
        Text("Mend the row; the other rows are in use.", "请修改该行；其他行已生效。"),
    )


def _without_device(configuration: Configuration, known: set[str]) -> list[LianjiError]:
    lost: dict[str, int] = {}
    for tag in configuration.tags.values():
        if tag.device and tag.device not in known:
            lost[tag.device] = lost.get(tag.device, 0) + 1
    return [
        InputError(
            "device-missing",
            Text(
                f"{count} tags name the device '{name}', which is not there.",
                f"有 {count} 个标签引用了不存在的设备“{name}”。",
            ),
            Text(
                f"Add devices/{name}.toml or mend the tags.",
                f"请添加 devices/{name}.toml 或修改标签。",
            ),
        )
        for name, count in sorted(lost.items())
    ]
