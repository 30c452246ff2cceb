"""What an edge's tag ids mean at the hub: its table, told piece by piece, in the hub's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import InputError, LianjiError, Text
from lianji.dictionary.tag import check_path

REFUSED = -1
"""The hub's id of a tag that its edge may not write, or whose path is none."""
TAGS_MAX = 1_000_000


class Names(Protocol):
    """The hub's own tag table."""

    def ids_of(self, paths: Sequence[str]) -> NDArray[np.int32]:
        """Ids of paths, on disk before it returns. Raises StorageError."""


class TagsUnknown(LianjiError):
    """The edge must tell its tags from ``known`` on. (RFC 6585, section 3: 428.)"""

    http_status = 428

    def __init__(self, known: int) -> None:
        super().__init__(
            "relay-tags-unknown",
            Text(
                f"The hub knows the first {known:,} tags of this edge and not all that came.",
                f"中心端只知道该边缘端的前 {known:,} 个标签。",
            ),
            Text("The edge tells them and sends again.", "边缘端将补发标签并重新发送。"),
        )
        self.known = known


def path_at_hub(path: str, sites: Sequence[str], home: str) -> str | None:
    """The path under which an edge's tag stands at the hub, or None if it may not write it.

    ``sites`` are names or patterns of sites that the edge may write; a path whose first part is
    none of them is put under ``home``, if there is one.
    """
    first, slash, _ = path.partition("/")
    if not (slash and any(fnmatchcase(first, site) for site in sites)):
        if not home:
            return None
        path = f"{home}/{path}"
    try:
        return check_path(path)
    except ValueError:
        return None


class EdgeTags:
    """The table of one edge (and epoch), as far as it was told in this life of the hub."""

    def __init__(self, names: Names, sites: Sequence[str], home: str) -> None:
        self._names = names
        self._sites = tuple(sites)
        self._home = home
        self._ids = np.empty(0, np.int32)
        self._path_of: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        """Paths that the edge may not write, or that two of its tags would share: path -> why."""

    @property
    def known(self) -> int:
        """How many tags, from id 0 on, are known."""
        return len(self._ids)

    def learn(self, told: Mapping[int, str]) -> None:
        """Take definitions that go on where the known ones end; blocks on the disk.

        Raises TagsUnknown if they do not, InputError for too many, StorageError.
        """
        fresh = sorted(tag for tag in told if tag >= self.known)
        if not fresh:
            return
        if fresh[0] != self.known or fresh[-1] != self.known + len(fresh) - 1:
            raise TagsUnknown(self.known)
        if fresh[-1] >= TAGS_MAX:
            raise InputError(
                "relay-too-many-tags",
                Text(
                    f"An edge may bring at most {TAGS_MAX:,} tags.",
                    f"每个边缘端最多 {TAGS_MAX:,} 个标签。",
                ),
                Text(
                    "Look for what makes new tag paths without end.", "请检查不断产生新标签的来源。"
                ),
            )
        paths = [self._named(told[tag]) for tag in fresh]
        good = [path for path in paths if path is not None]
        ids = dict(zip(good, self._names.ids_of(good).tolist(), strict=True))
        new = [REFUSED if path is None else ids[path] for path in paths]
        self._ids = np.concatenate([self._ids, np.array(new, np.int32)])

    def _named(self, path: str) -> str | None:
        named = path_at_hub(path, self._sites, self._home)
        if named is None:
            self.refused[path] = "not under a site of this edge"
        elif self._path_of.setdefault(named, path) != path:
            self.refused[path] = f"means the same as {self._path_of[named]!r}"
            return None
        return named

    def ids_of(self, tags: NDArray[np.int32]) -> NDArray[np.int32]:
        """The hub's ids, REFUSED among them. Raises TagsUnknown."""
        if len(tags) and int(tags.max()) >= self.known:
            raise TagsUnknown(self.known)
        return self._ids[tags]
