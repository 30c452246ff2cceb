"""A hundred thousand tags, found by words and walked level by level in milliseconds.

The tags are sorted so that what lies below a path is one stretch of the list: a level of the tree
is a few bisections. Searching looks through one lower-case text a tag; the last answers are kept,
and a search that goes on from an earlier one (more letters, more words) looks only through that.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from lianji.dictionary.tag import Tag

ANSWERS_KEPT = 32
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Level:
    """One entry of a level of the tree: what its part is called, and how many tags it holds.

    ``is_tag`` says that a tag bears just this path, ``inner`` that there are levels below.
    """

    name: str
    path: str
    tags: int
    is_tag: bool
    inner: bool


class TagIndex:
    """The tags of one moment. Safe for many threads."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        self.tags = sorted(tags, key=lambda tag: _key(tag.path))
        self._keys = [_key(tag.path) for tag in self.tags]
        self._texts = [
            f"{t.path}\n{t.device}\n{t.address}\n{t.description_en}\n{t.description_zh}".casefold()
            for t in self.tags
        ]
        self._kept: OrderedDict[tuple[str, tuple[str, ...]], Sequence[int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.tags)

    def find(self, path: str) -> Tag | None:
        place = bisect_left(self._keys, _key(path))
        found = place < len(self.tags) and self.tags[place].path == path
        return self.tags[place] if found else None

    def levels(self, under: str = "") -> list[Level]:
        """The next level below a path, machine2 before machine10."""
        start, end = self._stretch(under)
        prefix = f"{under}/" if under else ""
        found: list[Level] = []
        while start < end:
            name = self.tags[start].path[len(prefix) :].partition("/")[0]
            path = f"{prefix}{name}"
            _, after = self._stretch(path)
            is_tag = self.tags[start].path == path
            found.append(Level(name, path, after - start, is_tag, after - start > is_tag))
            start = max(after, start + 1)
        return sorted(found, key=lambda level: _natural(level.name))

    def search(self, words: str, under: str = "") -> Sequence[int]:
        """The places of the tags that hold all words, below a path; in order."""
        wanted = tuple(dict.fromkeys(words.casefold().split()))
        with self._lock:
            kept = self._kept.get((under, wanted))
            if kept is not None:
                self._kept.move_to_end((under, wanted))
                return kept
            begun = self._begun(under, wanted)
        found = self._look(begun, wanted)
        with self._lock:
            self._kept[under, wanted] = found
            while len(self._kept) > ANSWERS_KEPT:
                self._kept.popitem(last=False)
        return found

    def _begun(self, under: str, wanted: tuple[str, ...]) -> Sequence[int]:
        """The shortest earlier answer that holds all of this one."""
        start, end = self._stretch(under)
        if under and self.find(under) is not None:
            start -= 1 if self.tags[start - 1].path == under else 0
        best: Sequence[int] = range(start, end)
        for (place, words), answer in self._kept.items():
            if place == under and len(answer) < len(best) and _narrows(words, wanted):
                best = answer
        return best

    def _look(self, places: Sequence[int], wanted: tuple[str, ...]) -> Sequence[int]:
        for word in sorted(wanted, key=len, reverse=True):
            texts = self._texts
            if isinstance(places, range):
                part = texts[places.start : places.stop] if len(places) < len(texts) else texts
                places = [n for n, text in enumerate(part, places.start) if word in text]
            else:
                places = [n for n in places if word in texts[n]]
        return places

    def _stretch(self, under: str) -> tuple[int, int]:
        """Where the tags below a path lie, the path itself left out."""
        if not under:
            return 0, len(self.tags)
        key = _key(under)
        return (
            bisect_left(self._keys, f"{key}\x01"),
            bisect_left(self._keys, f"{key}\x01{_LAST}"),
        )


def _key(path: str) -> str:
    """Sorts a level together: no part begins with a character as low."""
    return path.replace("/", "\x01")


def _natural(name: str) -> list[tuple[int, str]]:
    """So that machine2 comes before machine10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _narrows(earlier: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """True if whatever holds all of ``wanted`` holds all of ``earlier``."""
    return all(any(word in now for now in wanted) for word in earlier)
