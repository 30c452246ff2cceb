"""Many tags changed at once: columns set, texts replaced, paths renamed, tags deleted.

Pure. Every tag is judged by itself: one that cannot become what was asked stays as it was and
comes back with the reason, the others change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import InputError, Text
from lianji.dictionary.path_pattern import compiled, filled
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS, CellError, cell_of, to_tag
from lianji.dictionary.tag_changes import Changed, Difference
from lianji.dictionary.tag_table import Rejected

_SETTABLE = tuple(column for column in COLUMNS if column != "path")
TextColumn = Literal["path", "device", "address", "type", "description_en", "description_zh"]


class Rename(BaseModel):
    """Paths that match ``pattern`` as a whole become ``to``; the others stay."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(min_length=1, max_length=400, description="Such as shop/{area}/{rest*}.")
    to: str = Field(min_length=1, max_length=400, description="Such as works/{area}/{rest*}.")


class Replace(BaseModel):
    """A text in one column is replaced wherever it stands, in the case in which it is written."""

    model_config = ConfigDict(extra="forbid")

    column: TextColumn
    find: str = Field(min_length=1, max_length=400)
    by: str = Field("", max_length=400)


class Edit(BaseModel):
    """What to do with the chosen tags. All of it is done, in this order."""

    model_config = ConfigDict(extra="forbid")

    set: dict[str, str] = Field(
        default={}, description="Cells by column, as a table has them; an empty cell: the default."
    )
    replace: list[Replace] = Field(default=[], max_length=20)
    rename: Rename | None = None
    delete: bool = Field(default=False, description="Take the tags out. Their history stays.")


def edited(tags: Mapping[str, Tag], chosen: Iterable[str], edit: Edit) -> tuple[
    Difference, list[Rejected]
]:  # fmt: skip
    """What an edit makes of the chosen ones of all ``tags``, and what it cannot.

    Raises InputError for a column or a pattern that there is not.
    """
    _check_columns(edit.set)
    pattern = compiled(edit.rename.pattern) if edit.rename else None
    if edit.rename and pattern:
        filled(edit.rename.to, dict.fromkeys(pattern.groupindex, ""))
    found, rejected = Difference(), list[Rejected]()
    chosen = [path for path in dict.fromkeys(chosen) if path in tags]
    if edit.delete:
        found.removed = [tags[path] for path in chosen]
        return found, rejected
    moved: set[str] = set()
    for path in chosen:
        before = tags[path]
        try:
            after = _one(before, edit, pattern)
            _check_free(before, after, tags, moved)
        except CellError as error:
            rejected.append(Rejected(0, path, error.text))
            continue
        if after == before:
            found.unchanged += 1
        else:
            found.changed.append(Changed(before, after))
            moved.add(after.path)
    return found, rejected


def _check_columns(given: Iterable[str]) -> None:
    wrong = [column for column in given if column not in _SETTABLE]
    if wrong:
        raise InputError(
            "tag-edit-column",
            Text(
                f"These columns cannot be set: {', '.join(wrong)}.",
                f"这些列无法设置：{'、'.join(wrong)}。",
            ),
            Text(f"Columns are {', '.join(_SETTABLE)}.", f"可用的列：{', '.join(_SETTABLE)}。"),
        )


def _one(tag: Tag, edit: Edit, pattern: re.Pattern[str] | None) -> Tag:
    """The tag as the edit wants it. Raises CellError."""
    cells = {column: cell for column in COLUMNS if (cell := cell_of(tag, column))}
    before = dict(cells)
    cells.update(edit.set)
    for one in edit.replace:
        if one.column in cells:
            cells[one.column] = cells[one.column].replace(one.find, one.by)
    if edit.rename is not None and pattern is not None:
        captured = pattern.fullmatch(cells["path"])
        if captured:
            cells["path"] = filled(edit.rename.to, captured.groupdict())
    return tag if cells == before else to_tag(cells.items())


def _check_free(before: Tag, after: Tag, tags: Mapping[str, Tag], moved: set[str]) -> None:
    if after.path != before.path and (after.path in tags or after.path in moved):
        raise CellError(Text(f"there is a tag {after.path} already", f"已有标签 {after.path}"))
