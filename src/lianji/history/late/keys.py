"""Finding rows again by their key, tag and time, and what is known of each tag's newest time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lianji.history.rows import Rows

UNKNOWN = np.iinfo(np.int64).max
"""Nothing is known yet of a tag's newest time in the table: everything of it must be compared."""


class Keys:
    """The (tag, time) pairs of some rows, to be found among others."""

    def __init__(self, codes: NDArray[np.int32], times_us: NDArray[np.int64]) -> None:
        self._order = np.lexsort((times_us, codes))
        self._codes = codes[self._order]
        self._times = times_us[self._order]
        self._starts = np.searchsorted(self._codes, np.arange(int(codes.max(initial=0)) + 2))

    def matches(self, other: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places among our rows and among ``other`` (sorted by tag and time) with equal keys."""
        mine: list[NDArray[np.intp]] = []
        theirs: list[NDArray[np.intp]] = []
        starts = first_of_groups(other.tag)
        for begin, end in zip(starts, np.append(starts[1:], len(other)), strict=False):
            code = int(other.tag[begin])
            if code + 1 >= len(self._starts):
                continue
            first, last = self._starts[code], self._starts[code + 1]
            if first == last:
                continue
            of_tag = other.time_us[begin:end]
            at = np.searchsorted(of_tag, self._times[first:last])
            hit = (at < len(of_tag)) & (
                of_tag[np.minimum(at, len(of_tag) - 1)] == self._times[first:last]
            )
            mine.append(self._order[first:last][hit])
            theirs.append(begin + at[hit])
        if not mine:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        return np.concatenate(mine), np.concatenate(theirs)


class Newest:
    """The newest time of each tag id in the table, as far as it is known."""

    def __init__(self) -> None:
        self._time_us = np.full(1024, UNKNOWN, np.int64)

    def of(self, tags: NDArray[np.int32]) -> NDArray[np.int64]:
        self._grow(int(tags.max(initial=0)))
        return self._time_us[tags]

    def learn(self, tags: NDArray[np.int32], times_us: NDArray[np.int64]) -> None:
        """These rows are in the table now; unknown tags are known from here on."""
        self._grow(int(tags.max(initial=0)))
        unknown = self._time_us[tags] == UNKNOWN
        self._time_us[tags[unknown]] = np.iinfo(np.int64).min
        np.maximum.at(self._time_us, tags, times_us)

    def forget(self, tags: NDArray[np.int32] | None = None) -> None:
        """Another writer may have added rows (of these tags; of any): they must be compared."""
        if tags is not None:
            self._grow(int(tags.max(initial=0)))
        self._time_us[slice(None) if tags is None else tags] = UNKNOWN

    def _grow(self, highest: int) -> None:
        if highest >= len(self._time_us):
            more = max(highest + 1, 2 * len(self._time_us)) - len(self._time_us)
            self._time_us = np.append(self._time_us, np.full(more, UNKNOWN, np.int64))


def first_of_groups(column: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where in a column each run of equal values begins."""
    if not len(column):
        return np.empty(0, np.intp)
    return np.concatenate(([0], np.flatnonzero(column[1:] != column[:-1]) + 1))
