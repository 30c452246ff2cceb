"""A plant's alarms as the command line asks for them: of the running plant, or of its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lianji.act.alarms.alarm import expand
from lianji.base.errors import InputError, LianjiError, Text
from lianji.dictionary.tag_ids import TagIds
from lianji.node.alarm_tables import load_alarms
from lianji.node.asked import said_by
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder

ROUTE = "/api/alarms"


@dataclass(slots=True)
class Checked:
    """What the files give: how many rows and alarms, and all that is wrong."""

    rows: int
    alarms: int
    problems: list[LianjiError] = field(default_factory=list)


def check_alarms(folder: PlantFolder) -> Checked:
    """Read all alarm tables and see which tags they mean. Raises NotFound: no plant."""
    configuration = load_tags(folder)
    tables = load_alarms(folder)
    stored = TagIds.open(folder.tag_ids, read_only=True).paths
    paths = list(dict.fromkeys([*stored, *configuration.tags]))
    found = expand([row.definition for row in tables.rows], paths, configuration.tags)
    without = [
        _without(tables.rows[place].file, tables.rows[place].line, why)
        for place, why in sorted(found.without.items())
    ]
    return Checked(len(tables.rows), len(found.alarms), [*tables.problems, *without])


def _without(file: str, line: int, why: Text) -> InputError:
    return InputError(
        "alarm-without-tag",
        Text(f"{file}, line {line}: {why.en}.", f"{file} 第 {line} 行：{why.zh}。"),
        Text(
            "See whether the tag is written right; a pushed tag is there once it has spoken.",
            "请检查标签写法；推送的标签在首次上报后才存在。",
        ),
    )


def ask_alarms(folder: PlantFolder, path: str, **parameters: Any) -> dict[str, Any]:
    """The answer of ``/api/alarms<path>``. Raises NotFound, LinkDown, and what the plant said."""
    return said_by(folder, "GET", f"{ROUTE}{path}", params=parameters)


def tell_alarms(folder: PlantFolder, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The same for what somebody decides."""
    return said_by(folder, "POST", f"{ROUTE}{path}", json=body)
