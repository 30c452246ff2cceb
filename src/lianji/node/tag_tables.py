"""Importing a tag table into a plant that has tables already."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lianji.base.durable import make_folder
from lianji.base.errors import Text
from lianji.connect.foreign.incoming import Into, incoming
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import FORM, Rejected, read_table, write_table
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings


@dataclass(slots=True)
class TableReport:
    """What became of a table: tags in its own file, tags changed in others, rows not taken."""

    target: Path
    added: int = 0
    replaced: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_table(
    folder: PlantFolder,
    file: Path,
    *,
    replace: bool = False,
    dry_run: bool = False,
    into: Into | None = None,
) -> TableReport:
    """Take the good rows of a table as ``tags/<file's name>.csv``, in place of what it held.

    The table is ours or that of another program, as CSV, .xlsx or JSON; ``into`` says where rows
    of other programs go. A tag that another table of the plant holds is rejected, or changed
    there with ``replace``.
    Raises NotFound (no plant) or InputError (the file as a whole).
    """
    load_settings(folder.root)
    imported = incoming(FORM.content(file), into or Into(file=file.name)).imported
    report = TableReport(folder.tags / f"{file.stem}.csv", rejected=list(imported.rejected))
    tables = {
        path: read_table(path).tags
        for path in sorted(folder.tags.glob("*.csv"))
        if path != report.target
    }
    holder = {tag.path: path for path, tags in tables.items() for tag in tags}
    mine = [tag for tag in imported.tags if tag.path not in holder]
    theirs = {tag.path: tag for tag in imported.tags if tag.path in holder}
    report.added = len(mine)
    if replace:
        report.replaced = len(theirs)
    else:
        report.rejected += [_held(path, holder[path]) for path in theirs]
    if not dry_run:
        make_folder(folder.tags.resolve())
        if mine:
            write_table(mine, report.target)
        for path in {holder[path] for path in theirs} if replace else ():
            write_table(_with_changes(tables[path], theirs), path)
    return report


def _with_changes(tags: list[Tag], changed: dict[str, Tag]) -> list[Tag]:
    return [changed.get(tag.path, tag) for tag in tags]


def _held(path: str, holder: Path) -> Rejected:
    reason = Text(
        f"{holder.name} has it already; --replace changes it there",
        f"{holder.name} 中已有；用 --replace 可在原表更新",
    )
    return Rejected(0, path, reason)
