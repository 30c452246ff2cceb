"""Which site each path belongs to: the partition of the tables in which its samples lie.

A plant has one site. A hub has many, told apart by a function of the path. A plant that became a
hub may have samples of any path in its own partition, from before: it is searched for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.history.late.keys import first_of_groups


class Sites:
    """The sites of one history."""

    def __init__(self, home: str, of: Callable[[str], str] | None = None) -> None:
        """``home`` is the history's own site, to which all belongs if ``of`` is None."""
        self.home = home
        self._of = of

    def of(self, path: str) -> str:
        return self.home if self._of is None else self._of(path) or self.home

    def of_paths(self, paths: Iterable[str]) -> set[str]:
        """The partitions in which the samples of these paths may lie."""
        return {self.home} if self._of is None else {self.home, *map(self.of, paths)}

    def to_read(self, paths: Iterable[str]) -> set[str] | None:
        """The same for questions; None for all partitions, where there is one site only."""
        return None if self._of is None else self.of_paths(paths)

    def searched_for(self, site: str) -> tuple[str, ...]:
        """The partitions in which samples of a site may lie."""
        return (site,) if site == self.home else (site, self.home)

    def groups(
        self, tags: NDArray[np.int32], paths: Sequence[str]
    ) -> list[tuple[str, NDArray[np.intp]]]:
        """The sites of rows whose equal tags stand together, and the places of each one's rows."""
        if self._of is None:
            return [(self.home, np.arange(len(tags)))] if len(tags) else []
        starts = first_of_groups(tags)
        ends = np.append(starts[1:], len(tags)).tolist()
        runs: dict[str, list[tuple[int, int]]] = {}
        for tag, start, end in zip(tags[starts].tolist(), starts.tolist(), ends, strict=False):
            of_site = runs.setdefault(self.of(paths[tag]), [])
            if of_site and of_site[-1][1] == start:
                of_site[-1] = (of_site[-1][0], end)
            else:
                of_site.append((start, end))
        return [
            (site, np.concatenate([np.arange(*run) for run in some])) for site, some in runs.items()
        ]


def taken(places: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Ascending places as a slice where they stand together, which copies nothing."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places
