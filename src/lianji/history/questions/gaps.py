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
Found = tuple[NDArray[np.integer], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


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
        tags = np.arange(len(self._good_us) + 1)
        good = np.asarray(is_good(rows.quality))
        place = np.arange(len(rows)) if good.all() else np.flatnonzero(good)
        bad_before = np.concatenate(([0], np.cumsum(~good)))
        tag, time_us = rows.tag[place], rows.time_us[place]
        starts, starts_of_all = (np.searchsorted(column, tags) for column in (tag, rows.tag))
        within = np.flatnonzero(time_us[1:] - time_us[:-1] > self._longer_us)
        within = within[tag[within] == tag[within + 1]]
        passed_over = bad_before[place[within + 1]] > bad_before[place[within]]
        self._note(tag[within], time_us[within], time_us[within + 1], passed_over)

        some = np.flatnonzero(starts[1:] > starts[:-1])
        first, last = starts[some], starts[some + 1] - 1
        passed_over = bad_before[place[first]] > bad_before[starts_of_all[some]]
        passed_over |= self._bad_since[some]
        self._note(some, self._good_us[some], time_us[first], passed_over)

        self._bad_since |= bad_before[starts_of_all[1:]] > bad_before[starts_of_all[:-1]]
        after_last = bad_before[starts_of_all[some + 1]] > bad_before[place[last]]
        self._good_us[some], self._bad_since[some] = time_us[last], after_last

    def _note(
        self,
        tag: NDArray[np.integer],
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
