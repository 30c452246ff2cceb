"""What a history has, in numbers short enough to be told over a line.

Of each tag and each step of time (an hour, a day): how many samples, and the sum of 64 bits of each
modulo 2^64, the same in whatever order and files they lie (see ``backup.row_hash``). Two plants
that give the same numbers have the same samples, as surely as 64 bits can say it. The path is no
part of them, since a tag may stand under another name elsewhere.

Rows are read in pieces, so memory does not grow with the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE, TIME_US_MAX, TIME_US_MIN
from lianji.history.backup.row_hash import Hashes, row_hashes
from lianji.history.export import pieces
from lianji.history.history import History
from lianji.history.late.keys import Keys
from lianji.history.questions.asked import check_range
from lianji.history.questions.pieces import Expected
from lianji.history.questions.signals import Signals
from lianji.history.rows import Rows

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
HASHED_ROWS = 250_000
"""So many rows are hashed at once, which bounds what is held beside them."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Digest:
    """Counts and sums of hashes, each of shape (paths, steps)."""

    counts: Counts
    hashes: Hashes

    @classmethod
    def none(cls, paths: int, steps: int) -> Digest:
        return cls(np.zeros((paths, steps), np.int64), np.zeros((paths, steps), np.uint64))

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def differs(self, other: Digest) -> NDArray[np.bool_]:
        """Where the two are not the same, shape (paths, steps)."""
        return np.asarray((self.counts != other.counts) | (self.hashes != other.hashes))

    def put(self, first: int, part: Digest) -> None:
        """Take in the digest of some of the paths, from the one with this number on."""
        until = first + len(part.counts)
        self.counts[first:until], self.hashes[first:until] = part.counts, part.hashes


def steps_in(start_us: int, end_us: int, step_us: int) -> int:
    """How many steps a range has, the last of which may be cut short."""
    return -(-(end_us - start_us) // step_us)


def digest(
    history: History, paths: Sequence[str], start_us: int, end_us: int, step_us: int
) -> Digest:
    """The digest of stored tags with start <= time < end; nothing of paths that are not known.

    Raises InputError for a range that is none.
    """
    check_range(start_us, end_us)
    known = _stored(history, paths)
    found = Digest.none(len(paths), steps_in(start_us, end_us, step_us))
    if not known:
        return found
    signals = _signals(history)
    place = {path: number for number, path in enumerate(paths)}
    for piece in pieces(signals, history._known.stored, known, start_us, end_us):
        places = np.array([place[path] for path in piece.paths], np.int64)
        for at in range(0, len(piece.rows), HASHED_ROWS):
            _add(found, piece.rows.take(slice(at, at + HASHED_ROWS)), places, start_us, step_us)
    return found


def _add(found: Digest, rows: Rows, places: NDArray[np.int64], start_us: int, step_us: int) -> None:
    """Count rows in that are sorted by tag and time; ``places`` of their tags in the digest."""
    cells = (rows.time_us - start_us) // step_us
    cells += places[rows.tag] * found.counts.shape[1]
    begins = np.append(0, np.flatnonzero(cells[1:] != cells[:-1]) + 1)
    which = cells[begins]
    # a cell may come in two runs where a piece ends within it, never in two runs of one piece
    found.counts.reshape(-1)[which] += np.diff(np.append(begins, len(rows)))
    found.hashes.reshape(-1)[which] += np.add.reduceat(hashes_of(rows), begins)


def hashes_of(rows: Rows) -> Hashes:
    """64 bits of time, value, text and quality of each row. Minus nought counts as nought, as it
    does where the historian looks whether a sample came before."""
    value = rows.value + 0.0
    table = pa.table(
        {
            "time": pa.array(rows.time_us).view(TIME_TYPE),
            "value": pa.array(value, mask=np.isnan(value)),
            "text": rows.text,
            "quality": pa.array(rows.quality),
        }
    )
    return row_hashes(table)


def fitting(
    history: History, paths: Sequence[str], start_us: int, end_us: int, rows_max: int
) -> int:
    """How many of the first paths have together about so many samples in a range; at least one."""
    known = _stored(history, paths)
    if not known:
        return len(paths)
    stored = history._known.stored
    expected = Expected(_signals(history), stored, known, start_us, end_us)
    rows_of = dict(zip(known, expected.rows.tolist(), strict=True))
    upto = np.cumsum([rows_of.get(path, 0.0) for path in paths])
    return max(1, int(np.searchsorted(upto, rows_max, side="right")))


def samples_of(history: History, paths: Sequence[str], start_us: int, end_us: int) -> Rows:
    """All samples of stored tags with start <= time < end; ``Rows.tag`` are places in ``paths``.

    Whoever asks sees to it that they are not too many.
    """
    return history._moment().rows(paths, start_us, end_us)


def reach(history: History, paths: Sequence[str]) -> tuple[int, int] | None:
    """The times between which samples of these tags may lie; None if there is nothing at all."""
    view = history._moment()
    files = view.between(TIME_US_MIN, TIME_US_MAX, paths)
    ends = [(stored.file.start_us, stored.file.end_us) for stored in files]
    times = [batch.times_us for batch in view.batches if len(batch)]
    ends += [(int(some.min()), int(some.max())) for some in times]
    if not ends:
        return None
    return min(first for first, _ in ends), max(last for _, last in ends)


def _signals(history: History) -> Signals:
    """Stored tags alone: what is calculated comes out the same where they are the same."""
    return Signals(history._moment(), {}, lambda _: False)


def _stored(history: History, paths: Sequence[str]) -> list[str]:
    """Those that ever had a sample, sorted."""
    history._moment()  # it may bring tags that came since
    return sorted(path for path in set(paths) if history._names.find(path) is not None)


def unknown_to(history: History, rows: Rows, paths: Sequence[str]) -> NDArray[np.bool_]:
    """Which of these rows (``Rows.tag`` are places in ``paths``) stand at a time at which the
    history has no sample of their tag."""
    unknown = np.ones(len(rows), dtype=bool)
    if len(rows):
        start_us, end_us = int(rows.time_us.min()), int(rows.time_us.max()) + 1
        mine, _ = Keys(rows.tag, rows.time_us).matches(samples_of(history, paths, start_us, end_us))
        unknown[mine] = False
    return unknown
