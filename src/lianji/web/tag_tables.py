"""The plant's tag tables as the page changes them: what is, what a change makes of it.

Tables are looked at as files, through ``plant.configuring``: the difference that a person sees is
that of the files, and what is kept are the files. Reading them takes a second for 100,000 tags, so
what was read is kept until the files are others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from lianji.base.errors import LianjiError, Text
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_changes import Difference, difference, rewritten
from lianji.dictionary.tag_edit import Edit, edited
from lianji.dictionary.tag_table import Imported, Rejected, read_table

FOLDER = "tags/"


@dataclass(slots=True)
class Tables:
    """All tag tables of one moment. Where two hold one path, the first by name has it."""

    contents: dict[str, bytes]
    tags: dict[str, Tag] = field(default_factory=dict)
    holder: dict[str, str] = field(default_factory=dict)
    """The table that holds a tag, by the tag's path."""
    unreadable: dict[str, LianjiError] = field(default_factory=dict)

    def of(self, name: str) -> list[str]:
        return [path for path, table in self.holder.items() if table == name]


@dataclass(slots=True)
class Plan:
    """What a change would do, and the files that it would write (None: deleted)."""

    difference: Difference
    rejected: list[Rejected]
    change: dict[str, bytes | None]


Unread = Callable[[Sequence[Tag]], Mapping[str, Text]]
"""Which of some tags their devices' drivers could not read, and why."""


def imported_plan(
    tables: Tables, imported: Imported, target: str, replace: bool, unread: Unread
) -> Plan:
    """Take the good rows of a table. With ``replace`` the table of this name loses the tags that
    the new one does not bring; a tag that another table holds is changed there."""
    removable = tables.of(target) if replace else ()
    change = difference(tables.tags, imported.tags, removable)
    rejected = [*imported.rejected, *_drop_unread(change, unread, imported.lines)]
    rejected.sort(key=lambda row: row.line)
    return Plan(change, rejected, _files(tables, change, target))


def edited_plan(tables: Tables, chosen: Iterable[str], edit: Edit, unread: Unread) -> Plan:
    """Change the chosen tags. One that no table holds comes back with the reason."""
    chosen = list(chosen)
    lost = [Rejected(0, path, _IN_NO_TABLE) for path in chosen if path not in tables.tags]
    change, rejected = edited(tables.tags, chosen, edit)
    rejected += _drop_unread(change, unread, {})
    return Plan(change, lost + rejected, _files(tables, change, ""))


def _drop_unread(change: Difference, unread: Unread, lines: Mapping[str, int]) -> list[Rejected]:
    """Take out of a change what no driver could read; these rows are refused like any other."""
    wrong = unread([*change.added, *(entry.after for entry in change.changed)])
    if not wrong:
        return []
    change.added = [tag for tag in change.added if tag.path not in wrong]
    change.changed = [entry for entry in change.changed if entry.after.path not in wrong]
    return [Rejected(lines.get(path, 0), path, reason) for path, reason in wrong.items()]


_IN_NO_TABLE = Text(
    "it is in no tag table: it was pushed, imported, or comes from a template",
    "它不在任何标签表中：由推送、导入或模板产生",
)


def _files(tables: Tables, change: Difference, target: str) -> dict[str, bytes | None]:
    if change.is_empty:
        return {}
    sound = {n: c for n, c in tables.contents.items() if n not in tables.unreadable}
    if target in tables.unreadable:
        raise tables.unreadable[target]
    return {FOLDER + name: made for name, made in rewritten(sound, change, target).items()}


class TableReader:
    """Reads tables and remembers what it read last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[bytes, Imported | LianjiError]] = {}

    def read(self, files: Mapping[str, bytes], known: Sequence[Tag] = ()) -> Tables:
        """The tables among ``files``. ``known`` tags stand for their equals, so that a plant does
        not hold a hundred thousand of them twice."""
        tables = Tables(
            {
                name.removeprefix(FOLDER): content
                for name, content in sorted(files.items())
                if name.startswith(FOLDER) and name.endswith(".csv")
            }
        )
        for name, content in tables.contents.items():
            found = self._of(name, content, known)
            if isinstance(found, LianjiError):
                tables.unreadable[name] = found
                continue
            for tag in found.tags:
                if tables.tags.setdefault(tag.path, tag) is tag:
                    tables.holder[tag.path] = name
        return tables

    def _of(self, name: str, content: bytes, known: Sequence[Tag]) -> Imported | LianjiError:
        print_ = blake2b(content, digest_size=16).digest()
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None and kept[0] == print_:
            return kept[1]
        found = _tried(lambda: _with(read_table(content), known))
        with self._lock:
            self._kept[name] = (print_, found)
        return found


def _with(imported: Imported, known: Sequence[Tag]) -> Imported:
    by_path = {tag.path: tag for tag in known}
    tags = [
        same if (same := by_path.get(tag.path)) is not None and same == tag else tag
        for tag in imported.tags
    ]
    return Imported(tags)


def _tried(read: Callable[[], Imported]) -> Imported | LianjiError:
    try:
        return read()
    except LianjiError as error:
        return error
