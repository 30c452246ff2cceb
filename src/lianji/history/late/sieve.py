"""Sieves: what the newest files hold, known without reading them.

A late sample must be compared with the files of its time. Nearly never is it in one of them, and
where it is, it nearly always says the same again. A sieve knows the exact keys of a file (tag id
and time) and a 32-bit hash of what each sample says. So the file is read only for a sample that
says something else (a correction), for one in four billion of those not even then, and for texts,
of which no hash is kept.

The newest are kept, up to a bound that is small where no late samples come; a file without a sieve
is read.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lianji.history.late.keys import first_of_groups
from lianji.history.rows import Rows

BYTES_MAX = 80 * 1024 * 1024
BYTES_MAX_UNWANTED = 3 * 1024 * 1024
WANTED_S = 600.0
"""So long after the last late sample sieves are still wanted."""
_SPAN_MAX = np.iinfo(np.uint32).max

_OF_VALUE = np.uint64(0x9E3779B97F4A7C15)
_OF_QUALITY = np.uint64(0xC2B2AE3D27D4EB4F)
_LAST = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)


class Found(IntEnum):
    ABSENT = 0
    SAME = 1
    """The file holds the key, and says the same of it."""
    READ = 2
    """The file must be read to know."""


def contents_of(rows: Rows) -> NDArray[np.uint32]:
    """Hashes of value and quality, by row. Equal values are hashed as one: zeros, and NaNs."""
    value = rows.value + 0.0
    value[np.isnan(value)] = np.nan
    mixed = value.view(np.uint64)
    mixed *= _OF_VALUE
    mixed ^= mixed >> _HALF
    mixed += rows.quality.astype(np.uint64) * _OF_QUALITY
    mixed *= _LAST
    return (mixed >> _HALF).astype(np.uint32)


@dataclass(slots=True)
class _Sieve:
    """Rows by tag and time; one may stand for several files that were written from them.

    Signals that a device reads at once have the same times, which are kept once.
    """

    tags: NDArray[np.int32]
    """Ascending ids."""
    starts: NDArray[np.intp]
    """Where each tag's rows begin among the contents, which are in the files' order."""
    time_starts: NDArray[np.intp]
    """Where its times begin."""
    counts: NDArray[np.intp]
    first_us: int
    after_us: NDArray[np.uint32] | NDArray[np.int64]
    """Times after ``first_us``."""
    contents: NDArray[np.uint32]
    gone: NDArray[np.intp]
    """Places of rows that the file lost, sorted."""

    @classmethod
    def of(cls, rows: Rows) -> _Sieve:
        starts = first_of_groups(rows.tag)
        counts = np.diff(np.append(starts, len(rows)))
        first_us = int(rows.time_us.min())
        after_us = rows.time_us - first_us
        times, time_starts = _once(after_us, starts, counts)
        order = np.argsort(rows.tag[starts])
        return cls(
            rows.tag[starts][order],
            starts[order],
            time_starts[order],
            counts[order],
            first_us,
            times.astype(np.uint32) if after_us.max() <= _SPAN_MAX else times,
            contents_of(rows),
            np.empty(0, np.intp),
        )

    @property
    def nbytes(self) -> int:
        by_tag = self.tags.nbytes + self.starts.nbytes + self.time_starts.nbytes
        return by_tag + self.counts.nbytes + self.after_us.nbytes + self.contents.nbytes

    def places(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which of these rows have keys that are here, and where."""
        at = np.searchsorted(self.tags, rows.tag)
        at[at == len(self.tags)] = 0
        known = np.flatnonzero(self.tags[at] == rows.tag)
        at, after_us = at[known], rows.time_us[known] - self.first_us
        start = self.time_starts[at]
        end = start + self.counts[at]
        place = _first_not_before(self.after_us, start, end, after_us)
        hit = place < end
        hit[hit] = self.after_us[place[hit]] == after_us[hit]
        mine, theirs = known[hit], (place - start + self.starts[at])[hit]
        if len(self.gone):
            there = ~np.isin(theirs, self.gone)
            mine, theirs = mine[there], theirs[there]
        return mine, theirs

    def without(self, rows: Rows) -> _Sieve:
        """Without those of these rows that are here."""
        _, gone = self.places(rows)
        return replace(self, gone=np.sort(np.append(self.gone, gone)))


def _once(
    times: NDArray[np.int64], starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Times of groups without those groups that repeat the one before, and where each begins."""
    group = np.repeat(np.arange(len(starts)), counts)
    before = np.arange(len(times)) - counts[group]
    repeats = np.append(False, counts[1:] == counts[:-1])
    repeats &= np.logical_and.reduceat(times[np.maximum(before, 0)] == times, starts)
    begins = np.cumsum(np.where(repeats, 0, counts)) - counts
    return times[np.repeat(~repeats, counts)], begins


def _first_not_before(
    times: NDArray[np.uint32] | NDArray[np.int64],
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    wanted: NDArray[np.int64],
) -> NDArray[np.intp]:
    """For each wanted time its place in its own sorted stretch of times: all searches halve their
    stretches together."""
    low, high = start, end
    while (open_ := low < high).any():
        middle = (low + high) >> 1
        # a stretch that is closed looks at a time beyond it, and stays as it is
        before = open_ & (times[np.minimum(middle, len(times) - 1)] < wanted)
        low = np.where(before, middle + 1, low)
        high = np.where(open_ & ~before, middle, high)
    return low


class Sieves:
    """The sieves of the newest files, by their names. Any thread may use them."""

    def __init__(self, bytes_max: int = BYTES_MAX, wanted_s: float = WANTED_S) -> None:
        self._bytes_max = bytes_max
        self._wanted_s = wanted_s
        self._wanted_until_s = 0.0
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[_Sieve, ...]] = OrderedDict()
        self._names: Counter[int] = Counter()
        """Of each sieve, by its identity, how many files it stands for."""
        self._bytes = 0

    def keep(self, names: Sequence[str], rows: Rows) -> None:
        """All files of these names together hold these rows (by tag id and time, each key once) and
        no others."""
        if names and rows.text.null_count == len(rows.text):
            self._put(names, (_Sieve.of(rows),))

    def merge(self, names: Sequence[str], inputs: Sequence[str]) -> None:
        """Files of these names hold what the inputs held, as far as that is known."""
        with self._lock:
            found = [self._dropped(name) for name in inputs]
        known = {id(one): one for sieves in found if sieves is not None for one in sieves}
        if known and all(sieves is not None for sieves in found):
            self._put(names, tuple(known.values()))

    def replace(self, name: str, old: str, gone: Rows) -> None:
        """A file of this name holds what the old one held, but for some rows."""
        with self._lock:
            found = self._dropped(old)
        if found is not None:
            self._put([name], tuple(one.without(gone) for one in found))

    def look(self, name: str, rows: Rows) -> NDArray[np.int8]:
        """What is ``Found`` of each of these rows (by tag id) in the file. The rows are late: from
        now on sieves are wanted."""
        self._wanted_until_s = time.monotonic() + self._wanted_s
        with self._lock:
            kept = self._kept.get(name)
        if kept is None:
            return np.full(len(rows), Found.READ, np.int8)
        found = np.full(len(rows), Found.ABSENT, np.int8)
        contents = contents_of(rows)
        for sieve in kept:
            mine, theirs = sieve.places(rows)
            same = contents[mine] == sieve.contents[theirs]
            found[mine] = np.where(same, np.int8(Found.SAME), np.int8(Found.READ))
        if rows.text.null_count < len(rows.text):
            found[found == Found.SAME] = Found.READ
        return found

    def _put(self, names: Sequence[str], sieves: tuple[_Sieve, ...]) -> None:
        wanted = time.monotonic() < self._wanted_until_s
        bytes_max = self._bytes_max if wanted else min(BYTES_MAX_UNWANTED, self._bytes_max)
        with self._lock:
            for name in names:
                self._dropped(name)
                self._kept[name] = sieves
                for one in sieves:
                    self._bytes += 0 if self._names[id(one)] else one.nbytes
                    self._names[id(one)] += 1
            while self._kept and self._bytes > bytes_max:
                self._dropped(next(iter(self._kept)))

    def _dropped(self, name: str) -> tuple[_Sieve, ...] | None:
        """What was kept for a file, no longer kept. Under the lock."""
        sieves = self._kept.pop(name, None)
        for one in sieves or ():
            self._names[id(one)] -= 1
            if not self._names[id(one)]:
                del self._names[id(one)]
                self._bytes -= one.nbytes
        return sieves
