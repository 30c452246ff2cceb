"""The last sample of every tag, kept up to date as batches pass by.

What passes by may be late: until the files were looked at too, nobody knows a tag's newest sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.history.rows import Rows, stable_order

NEVER = np.iinfo(np.int64).min


class LastValues:
    """Arrays indexed by tag id; a time of ``NEVER`` means that nothing was seen."""

    def __init__(self) -> None:
        self.time_us = np.full(1024, NEVER, np.int64)
        self._value = np.full(1024, np.nan)
        self._quality = np.zeros(1024, np.uint16)
        self._text: dict[int, str] = {}
        self._complete = np.zeros(1024, dtype=bool)

    def _grow(self, highest: int) -> None:
        size = len(self.time_us)
        if highest < size:
            return
        more = max(highest + 1, 2 * size) - size
        self.time_us = np.append(self.time_us, np.full(more, NEVER, np.int64))
        self._value = np.append(self._value, np.full(more, np.nan))
        self._quality = np.append(self._quality, np.zeros(more, np.uint16))
        self._complete = np.append(self._complete, np.zeros(more, dtype=bool))

    def update(self, rows: Rows) -> None:
        """Take what is not older than what is known; of equal times the later arrival."""
        if not len(rows):
            return
        self._grow(int(rows.tag.max()))
        places = rows.tag.astype(np.intp)  # once, instead of once for each column
        np.maximum.at(self.time_us, places, rows.time_us)
        newest = np.flatnonzero(rows.time_us == self.time_us[places])
        places = places[newest]
        # numpy assigns repeated indices in order, so the last arrival of a tag and time stays
        self._value[places] = rows.value[newest]
        self._quality[places] = rows.quality[newest]
        if self._text or rows.text.null_count < len(rows):
            self._update_texts(rows.take(newest))

    def _update_texts(self, rows: Rows) -> None:
        if self._text:
            for tag in rows.tag[np.isin(rows.tag, list(self._text))].tolist():
                self._text.pop(tag, None)
        if rows.text.null_count < len(rows):
            for tag, text in zip(rows.tag.tolist(), rows.text.to_pylist(), strict=True):
                if text is None:
                    self._text.pop(tag, None)
                else:
                    self._text[tag] = text

    def incomplete(self, tags: NDArray[np.int32]) -> NDArray[np.intp]:
        """The places in ``tags`` of those whose newest sample may lie in a file (-1: no tag)."""
        self._grow(int(tags.max(initial=0)))
        return np.flatnonzero((tags >= 0) & ~self._complete[tags])

    def complete(self, tags: NDArray[np.int32], rows: Rows) -> None:
        """Take what the files hold of these tags, where it is newer than all that passed by."""
        self.update(rows.take(rows.time_us > self.time_us[rows.tag]))
        self._complete[tags] = True

    def forget(self, tags: NDArray[np.int32]) -> None:
        """Files that others wrote may hold newer samples of these, or others of the same time."""
        self._grow(int(tags.max(initial=0)))
        self.time_us[tags] = NEVER
        self._complete[tags] = False

    def asked(self, tags: NDArray[np.int32], before: Callable[[list[int]], Rows]) -> Rows:
        """``of``, completed first where that is needed: ``before`` finds the last samples in the
        files and in memory of those at some places in ``tags``."""
        missing = self.incomplete(tags)
        if len(missing):
            old = before(missing.tolist())
            old.tag = tags[missing][old.tag]
            self.complete(tags[missing], old)
        return self.of(tags)

    def of(self, tags: NDArray[np.int32]) -> Rows:
        """The last samples of those of these ids that have one; ``Rows.tag`` are places in
        ``tags``."""
        self._grow(int(tags.max(initial=0)))
        known = (tags >= 0) & (self.time_us[tags] != NEVER)
        places = np.flatnonzero(known).astype(np.int32)
        ids = tags[places]
        texts = [self._text.get(tag) for tag in ids.tolist()] if self._text else None
        return Rows(
            places,
            self.time_us[ids],
            self._value[ids],
            self._quality[ids],
            pa.nulls(len(ids), pa.string()) if texts is None else pa.array(texts, pa.string()),
        )


def last_of_each(rows: Rows) -> Rows:
    """Of rows sorted by time within each tag, the last of every tag."""
    order = stable_order(rows.tag)
    tags = rows.tag[order]
    return rows.take(order[np.append(tags[1:] != tags[:-1], len(tags) > 0)[: len(tags)]])
