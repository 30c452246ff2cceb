"""A dictionary from the hub: what tags are called and mean, not how they are read.

Only the columns that the table has, and only of tags that the plant's own tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lianji.base.errors import InputError, Text
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes, table_columns
from lianji.node.folder import PlantFolder
from lianji.node.told.configuration import Changing
from lianji.node.told.contents import wrong_row
from lianji.relay.messages.inbox import Work

MEANING = ("unit", "low", "high", "description_en", "description_zh", "enumeration")
"""What a dictionary may say of a tag."""


class Dictionary:
    """Changes the plant's tag tables."""

    def __init__(self, folder: PlantFolder, changing: Changing) -> None:
        self._folder, self._changing = folder, changing

    def apply(self, work: Work) -> dict[str, Any]:
        """Raises InputError for a wrong row, or a tag that no table of the plant has."""
        content = work.content.read_bytes()
        imported = read_table(content)
        if imported.rejected:
            bad = imported.rejected[0]
            raise wrong_row(bad.line, bad.path, bad.reason)
        given = [name for name in table_columns(content) if name in MEANING]
        said = {tag.path: {name: getattr(tag, name) for name in given} for tag in imported.tags}
        tables = _tables(self._folder.tags)
        known = {tag.path for tags in tables.values() for tag in tags}
        mine = {_path_here(path, work.envelope.edge, known): what for path, what in said.items()}
        change = {
            f"tags/{path.name}": table_bytes(new)
            for path, tags in tables.items()
            if (new := [_said_of(tag, mine) for tag in tags]) != tags
        }
        return {**self._changing.change(work, change), "tags": len(mine), "columns": given}


def _tables(folder: Path) -> dict[Path, Sequence[Tag]]:
    """All tables of the plant. Raises InputError for one whose rows would be lost if written."""
    found: dict[Path, Sequence[Tag]] = {}
    for path in sorted(folder.glob("*.csv")):
        table = read_table(path)
        if table.rejected:
            bad = table.rejected[0]
            raise wrong_row(bad.line, f"{path.name}: {bad.path}", bad.reason)
        found[path] = table.tags
    return found


def _path_here(path: str, edge: str, known: set[str]) -> str:
    """The hub may know a path with the site in front."""
    for mine in (path, path.removeprefix(f"{edge}/")):
        if mine in known:
            return mine
    raise InputError(
        "dictionary-tag-unknown",
        Text(f"No tag table here has {path}.", f"本地标签表中没有 {path}。"),
        Text(
            "A dictionary describes tags that are there; new tags come with a configuration.",
            "字典只描述已有标签；新标签须通过配置下发。",
        ),
    )


def _said_of(tag: Tag, said: Mapping[str, Mapping[str, Any]]) -> Tag:
    what = said.get(tag.path)
    return tag if what is None else Tag(**{**asdict(tag), **what})
