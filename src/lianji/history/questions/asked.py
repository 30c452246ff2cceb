"""What was asked: tags by path or pattern; and what makes no sense, refused in plain words."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Sequence
from typing import Protocol

from lianji.base.errors import InputError, NotFound, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

COMPARED_MAX = 2_000
"""So many names are compared with one that is not known, to propose the nearest."""


class Names(Protocol):
    """What the historian asks of the plant's tag table."""

    @property
    def paths(self) -> Sequence[str]: ...

    def find(self, path: str) -> int | None: ...


class Known:
    """The tags that can be asked for: those that ever had a sample, and calculated ones."""

    def __init__(self, names: Names, calculated: Collection[str]) -> None:
        self._names = names
        self._calculated = calculated
        self._stored: list[str] = []
        self._all: list[str] = []
        self._merged: frozenset[str] = frozenset()

    @property
    def stored(self) -> list[str]:
        """The paths of all stored tags, sorted. Look, don't touch."""
        self._refresh()
        return self._stored

    @property
    def all(self) -> list[str]:
        self._refresh()
        return self._all

    def expanded(self, tags: Sequence[str] | None) -> list[str]:
        """Paths, patterns replaced by what they mean; all if None. Raises NotFound."""
        if tags is None:
            return self.all
        if isinstance(tags, str):
            tags = [tags]
        paths: dict[str, None] = {}
        for tag in tags:
            if self._names.find(tag) is not None or tag in self._calculated:
                paths[tag] = None
            elif "*" in tag or "?" in tag:
                found = fnmatch.filter(self.all, tag)
                if not found:
                    raise self.unknown(tag)
                paths.update(dict.fromkeys(found))
            else:
                raise self.unknown(tag)
        return list(paths)

    def _refresh(self) -> None:
        """Stored tags are only ever added, so their number says whether anything is new;
        calculated ones come and go with the configuration, and are few."""
        calculated = frozenset(self._calculated)
        if len(self._stored) != len(self._names.paths) or calculated != self._merged:
            stored = sorted(self._names.paths)
            self._all = sorted({*stored, *calculated}) if calculated else stored
            self._stored, self._merged = stored, calculated

    def unknown(self, tag: str) -> NotFound:
        """What is said of a tag that is not there; it names only such that are."""
        near = difflib.get_close_matches(tag, self.all[:COMPARED_MAX], 3)
        hint = Text(f"Did you mean {', '.join(near)}?", f"是否指 {'、'.join(near)}？")
        other = Text("See `lianji last` for all tags.", "用 `lianji last` 查看全部标签。")
        return NotFound(
            "tag-unknown",
            Text(f"No sample was ever taken of {tag!r}.", f"标签 {tag!r} 没有任何样本。"),
            hint if near else other,
        )


def check_range(start_us: int, end_us: int) -> None:
    if not TIME_US_MIN <= start_us < end_us <= TIME_US_MAX:
        raise wrong("the range must begin before it ends", "时间范围的起点必须早于终点")


def wrong(en: str, zh: str) -> InputError:
    return InputError(
        "question-invalid",
        Text(f"This cannot be asked: {en}.", f"无法查询：{zh}。"),
        Text("Change the question.", "请修改查询条件。"),
    )
