"""Sieves: which keys a recent file surely does not hold, known without reading it.

A late sample must be compared with the files of its time, and nearly never is it in one of them. A
sieve is the sorted 32-bit hashes of a file's keys (tag id and time): what is not in it is not in
the file, and once in some thousand lookups it says maybe for nothing. The newest are kept, up to a
bound; a file without a sieve is read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lianji.history.rows import Rows

BYTES_MAX = 64 * 1024 * 1024
Hashes = NDArray[np.uint32]

_OF_TIME = np.uint64(0x9E3779B97F4A7C15)
_OF_TAG = np.uint64(0xC2B2AE3D27D4EB4F)
_LAST = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)


def hashes_of(rows: Rows) -> Hashes:
    """By row, not sorted. ``rows.tag`` are tag ids."""
    mixed = rows.time_us.astype(np.uint64)
    mixed *= _OF_TIME
    mixed += rows.tag.astype(np.uint64) * _OF_TAG
    mixed ^= mixed >> _HALF
    mixed *= _LAST
    return (mixed >> _HALF).astype(np.uint32)


class Sieves:
    """The sieves of the newest files, by their names. Any thread may use them."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Hashes] = OrderedDict()

    def keep(self, names: Sequence[str], rows: Rows) -> None:
        """All files of these names together hold these rows and no others."""
        if names and rows.tag.nbytes <= self._bytes_max:
            self._put(names, np.sort(hashes_of(rows)))

    def merge(self, names: Sequence[str], inputs: Sequence[str]) -> None:
        """Files of these names hold what the inputs held, as far as that is known."""
        with self._lock:
            found = [self._kept.pop(name, None) for name in inputs]
        known = {id(one): one for one in found if one is not None}
        if len(known) and all(one is not None for one in found):
            self._put(names, np.sort(np.concatenate(list(known.values()))))

    def may_hold(self, name: str, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of these keys may be in the file."""
        with self._lock:
            kept = self._kept.get(name)
        if kept is None:
            return np.ones(len(hashes), dtype=bool)
        place = np.searchsorted(kept, hashes)
        found = (place < len(kept)) & (kept[np.minimum(place, len(kept) - 1)] == hashes)
        return np.asarray(found)

    def _put(self, names: Sequence[str], hashes: Hashes) -> None:
        with self._lock:
            self._kept.update(dict.fromkeys(names, hashes))
            while self._bytes() > self._bytes_max and self._kept:
                self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum({id(one): one.nbytes for one in self._kept.values()}.values())
