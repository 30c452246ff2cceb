"""What a change makes of the tags of a plant: the difference, and the tables that follow from it.

Pure. The page shows the difference before anything is kept; the tables are the same text as before
but for the rows that change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lianji.dictionary.table_text import TableText
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS


@dataclass(frozen=True, slots=True)
class Changed:
    """A tag that stays, or that goes on under another path."""

    before: Tag
    after: Tag

    @property
    def columns(self) -> list[str]:
        return [name for name in COLUMNS if getattr(self.before, name) != getattr(self.after, name)]


@dataclass(slots=True)
class Difference:
    added: list[Tag] = field(default_factory=list)
    removed: list[Tag] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed)


def difference(
    old: Mapping[str, Tag], new: Iterable[Tag], removable: Iterable[str] = ()
) -> Difference:
    """From the tags that are to those that a table brings; both by path.

    A tag that the table does not bring stays, unless its path is ``removable``.
    """
    found = Difference()
    brought: set[str] = set()
    for tag in new:
        brought.add(tag.path)
        before = old.get(tag.path)
        if before is None:
            found.added.append(tag)
        elif before != tag:
            found.changed.append(Changed(before, tag))
        else:
            found.unchanged += 1
    found.removed = [old[path] for path in removable if path not in brought and path in old]
    return found


def rewritten(
    tables: Mapping[str, bytes], change: Difference, target: str
) -> dict[str, bytes | None]:
    """The tables that change, by name; None for one of which nothing is left.

    A changed or removed tag is looked for in every table; new tags become rows of ``target``.
    Raises InputError for a table that cannot be understood, KeyError for a tag that is in none.
    """
    gone = {tag.path for tag in change.removed}
    touched = {entry.before.path for entry in change.changed} | gone
    texts: dict[str, TableText] = {}
    holder: dict[str, TableText] = {}
    for name, content in tables.items():
        text = TableText(content)
        held = [path for path in touched if path in text]
        if held or (name == target and change.added):
            texts[name] = text
        for path in held:
            holder.setdefault(path, text)
    for path in gone:
        holder[path].remove(path)
    for entry in change.changed:
        holder[entry.before.path].change(entry.before, entry.after)
    if change.added:
        text = texts.setdefault(target, TableText())
        for tag in change.added:
            text.add(tag)
    return {
        name: None if text.is_empty and gone and name in tables else text.content()
        for name, text in texts.items()
    }
