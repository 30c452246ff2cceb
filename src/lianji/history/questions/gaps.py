"""Gaps: stretches of time in which a tag had no good sample, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE
from lianji.dictionary.quality import is_good
from lianji.history.questions.pieces import Expected
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows

NO_SAMPLES = "no samples"
BAD_QUALITY = "bad quality"
Found = tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def gaps_in(signals: Signals, paths: Sequence[str], expected: Expected, longer_us: int) -> pa.Table:
    """The gaps of all tags in the range: tag, start, end, seconds, why; by tag and start."""
    of_tags: dict[int, tuple[Gaps, Sequence[str]]] = {}
    for piece in expected.pieces():
        some = paths[piece.low : piece.high]
        if piece.low not in of_tags:
            of_tags[piece.low] = Gaps(len(some), expected.start_us, longer_us), some
        gaps, _ = of_tags[piece.low]
        gaps.take(signals.rows(some, piece.start_us, piece.end_us))
    tables = [gaps.table(some, expected.end_us) for gaps, some in of_tags.values()]
    return pa.concat_tables(tables).unify_dictionaries()


class Gaps:
    """What is known of the gaps as the rows of some tags come by, stretch by stretch of time.

    A gap lasts from one good sample to the next. The edges of the range count as good samples: what
    was before it is not looked at.
    """

    def __init__(self, tags: int, start_us: int, longer_us: int) -> None:
        self._longer_us = longer_us
        self._good_us = np.full(tags, start_us, np.int64)
        self._bad_since = np.zeros(tags, np.bool_)
        self._found: list[Found] = []

    def take(self, rows: Rows) -> None:
        """The rows of the next stretch, by tag and time."""
        tags = len(self._good_us)
        good = np.asarray(is_good(rows.quality))
        place = np.flatnonzero(good)
        tag = rows.tag[place].astype(np.intp)
        # bad samples before each row: between two good ones lie as many as these differ by
        bad_upto = np.concatenate(([0], np.cumsum(~good)))
        first = np.append(True, tag[1:] != tag[:-1])[: len(tag)]
        starts = np.searchsorted(rows.tag, np.arange(tags + 1))
        since_us = np.where(first, self._good_us[tag], np.roll(rows.time_us[place], 1))
        bad_before = np.where(first, bad_upto[starts[tag]], np.roll(bad_upto[place], 1))
        was_bad = (bad_upto[place] > bad_before) | (first & self._bad_since[tag])
        self._note(tag, since_us, rows.time_us[place], was_bad)
        self._bad_since |= bad_upto[starts[1:]] > bad_upto[starts[:-1]]
        last = np.append(tag[1:] != tag[:-1], True)[: len(tag)]
        behind = bad_upto[starts[tag[last] + 1]] > bad_upto[place[last]]
        self._good_us[tag[last]] = rows.time_us[place[last]]
        self._bad_since[tag[last]] = behind

    def _note(
        self,
        tag: NDArray[np.intp],
        since_us: NDArray[np.int64],
        upto_us: NDArray[np.int64],
        was_bad: NDArray[np.bool_],
    ) -> None:
        long = upto_us - since_us > self._longer_us
        if long.any():
            self._found.append((tag[long], since_us[long], upto_us[long], was_bad[long]))

    def table(self, paths: Sequence[str], end_us: int) -> pa.Table:
        """tag, start, end, seconds, why: by tag and start. The range ends here."""
        tags = np.arange(len(self._good_us))
        self._note(tags, self._good_us, np.full(len(tags), end_us), self._bad_since)
        empty = (tags[:0], self._good_us[:0], self._good_us[:0], self._bad_since[:0])
        columns = zip(empty, *self._found, strict=True)
        tag, start, end, bad = (np.concatenate(column) for column in columns)
        order = np.lexsort((start, tag))
        tag, start, end, bad = tag[order], start[order], end[order], bad[order]
        why = pa.DictionaryArray.from_arrays(
            pa.array(bad.astype(np.int8)), pa.array([NO_SAMPLES, BAD_QUALITY])
        )
        return pa.table(
            {
                "tag": pa.DictionaryArray.from_arrays(
                    pa.array(tag.astype(np.int32)), pa.array(paths, pa.string())
                ),
                "start": pa.array(start).view(TIME_TYPE),
                "end": pa.array(end).view(TIME_TYPE),
                "seconds": pa.array((end - start) / 1e6),
                "why": why.cast(pa.string()),
            }
        )
