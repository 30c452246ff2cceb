"""The nearest sample of each tag to one instant, as files are looked through one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.last import last_of_each
from lianji.history.late.keys import Keys
from lianji.history.rows import Rows

Fit = Callable[[Rows], NDArray[np.bool_]]
"""Which of some rows will do."""

PASSED_OVER_MAX = 250_000
"""After so many samples of a tag that will not do (at 1 Hz, three days of them; at one a minute,
half a year) it counts as having none: a sensor that was broken for ten years must not make every
question read ten years of files."""


class Nearest:
    """The best row of each tag so far: the latest, or the earliest if ``forward``.

    Memory is taken first and wins over files at equal times, being the later arrival.
    """

    def __init__(self, tags: int, forward: bool, fit: Fit | None = None) -> None:
        self.forward = forward
        self._fit = fit
        self._tags = tags
        worst = TIME_US_MAX + 1 if forward else TIME_US_MIN - 1
        self._time_us = np.full(tags, worst, np.int64)
        self._parts: list[Rows] = []
        self._passed_over = np.zeros(tags, np.int64)
        self._done = np.zeros(tags, np.bool_)
        self._settled: dict[str, NDArray[np.int32]] = {}
        self._held: Keys | None = None

    def settle(self, file: str, tags: NDArray[np.int32]) -> None:
        """Of these tags the file has nothing nearer than what was taken."""
        if len(tags):
            self._settled[file] = tags

    def settle_for_good(self, tags: NDArray[np.int32]) -> None:
        """Of these tags nothing more is wanted."""
        self._done[tags] = True

    def may_be_beaten_by(self, file: str, time_us: int) -> NDArray[np.intp]:
        """The tags for which a file whose nearest time is this may have something nearer."""
        beaten = self._time_us > time_us if self.forward else self._time_us < time_us
        beaten &= ~self._done & (self._passed_over < PASSED_OVER_MAX)
        beaten[self._settled.get(file, [])] = False
        return np.flatnonzero(beaten)

    def take_held(self, rows: Rows) -> None:
        """What memory holds, before any file: it replaces what files say of the same tag and time,
        also where it is not fit itself."""
        self.take(rows)
        if self._fit is not None and len(rows):
            self._held = Keys(rows.tag, rows.time_us)

    def take(self, rows: Rows) -> None:
        """Rows by tag and time."""
        if self._held is not None:
            replaced = np.zeros(len(rows), dtype=bool)
            replaced[self._held.matches(rows)[1]] = True
            rows = rows.take(~replaced)
        if self._fit is not None:
            will_do = self._fit(rows)
            self._passed_over += np.bincount(rows.tag[~will_do], minlength=self._tags)
            rows = rows.take(will_do)
        if not len(rows):
            return
        one = first_of_each(rows) if self.forward else last_of_each(rows)
        known = self._time_us[one.tag]
        better = one.time_us < known if self.forward else one.time_us > known
        one = one.take(better)
        self._time_us[one.tag] = one.time_us
        self._parts.append(one)

    def rows(self) -> Rows:
        """The best rows, in the order of the tags."""
        every = Rows.concat(self._parts)
        best = every.take((every.time_us == self._time_us[every.tag]) & ~self._done[every.tag])
        return best.take(np.argsort(best.tag, kind="stable"))


def first_of_each(rows: Rows) -> Rows:
    """Of rows whose tags lie together, by time, the first of every tag."""
    return rows.take(np.append(True, rows.tag[1:] != rows.tag[:-1])[: len(rows)])
