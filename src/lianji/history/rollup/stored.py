"""Which rollups count, and buckets of a question's range worked out of them and of the rest.

Nothing is stored about what is dirty. A rollup file counts for a day while all of that day's files
that it was made of are still in the table. What other files and memory hold of the range is read as
samples; where that falls between the first and last sample of a bucket, the bucket is read as
samples too. So an answer is the same with rollups and without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import StorageError
from lianji.history.delta.files import day_name
from lianji.history.parquet.reading import Stored, Wanted, row_groups
from lianji.history.rollup.buckets import Buckets, added, buckets_of
from lianji.history.rollup.columns import SCHEMA, of_table
from lianji.history.rollup.rolled import Rolled
from lianji.history.rollup.tables import sources_by_day
from lianji.history.rows import order_by
from lianji.history.view.merged import merged
from lianji.history.view.view import View

DAY_US = 86_400_000_000
DIRTY_SHARE_MAX = 0.25
"""Where more buckets than this must be read as samples, all of them may as well be."""


@dataclass(slots=True)
class Counted:
    """A rollup file and the days for which it counts."""

    stored: Stored
    days: set[str]


def bucketed(
    view: View,
    rolled: Rolled,
    paths: Sequence[str],
    start_us: int,
    end_us: int,
    unasked: frozenset[str] = frozenset(),
) -> Buckets | None:
    """The buckets of these tags with start <= time < end, both on the edges of buckets.

    ``Buckets.tag`` are places in ``paths``. None if the samples had better be read. ``unasked``
    are columns of the tables that nobody will look at.
    """
    counted, covered = _counting(view, rolled, start_us, end_us, view.sites.to_read(paths))
    if not counted:
        return None
    wanted = Wanted(paths, start_us, end_us - 1)
    try:
        parts = [
            read_buckets(one, wanted, unasked) for one in counted if wanted.touches(one.stored.file)
        ]
    except (StorageError, FileNotFoundError):
        return None  # the samples are there all the same
    rest = [
        view.read(stored, wanted)
        for stored in view.between(start_us, end_us - 1, paths)
        if stored.file.name not in covered and wanted.touches(stored.file)
    ]
    rest.append(view.held(paths, start_us, end_us - 1))
    samples = merged(rest)
    return _united(view, rolled.width_us, paths, [*parts, buckets_of(samples, rolled.width_us)])


def _counting(
    view: View, rolled: Rolled, start_us: int, end_us: int, sites: Collection[str] | None
) -> tuple[list[Counted], set[str]]:
    """The rollup files that count within the range, and the files of samples that they cover."""
    found: list[Counted] = []
    covered: set[str] = set()
    for file in rolled.files.between(start_us, end_us - 1, sites):
        days = set()
        for day, names in sources_by_day(file).items():
            there = {stored.file.name for stored in view.files.of(file.site, day)}
            if names <= there and not names & covered:
                days.add(day)
                covered |= names
        if days:
            found.append(Counted(Stored(rolled.place, file), days))
    return found, covered


def read_buckets(one: Counted, wanted: Wanted, unasked: frozenset[str] = frozenset()) -> Buckets:
    """The wanted buckets of the days for which the file counts, in its order."""
    table = row_groups(one.stored, wanted, [name for name in SCHEMA.names if name not in unasked])
    if table is None:
        return Buckets.none()
    tag = table.column(0)
    tag = tag.chunk(0) if tag.num_chunks == 1 else tag.unify_dictionaries().combine_chunks()
    local = np.array(wanted.codes_of(tag.dictionary.to_pylist(), {}), np.int32)
    codes = local[tag.indices.to_numpy()]
    times = table.column(1).combine_chunks().view(pa.int64()).to_numpy()
    keep = (codes >= 0) & (times >= wanted.start_us) & (times <= wanted.end_us)
    keep &= _on_days(times, one.days)
    if not keep.any():
        return Buckets.none()
    low, high = int(np.argmax(keep)), len(keep) - int(np.argmax(keep[::-1]))
    keep, codes = keep[low:high], codes[low:high]
    buckets = of_table(table.slice(low, high - low), codes)
    return buckets if keep.all() else buckets.take(keep)


def _on_days(times_us: NDArray[np.int64], days: set[str]) -> NDArray[np.bool_]:
    day = times_us // DAY_US
    first = int(day.min())
    known = [day_name(first + number) in days for number in range(int(day.max()) - first + 1)]
    return np.array(known, dtype=bool)[day - first]


def _united(
    view: View, width_us: int, paths: Sequence[str], parts: list[Buckets]
) -> Buckets | None:
    every = Buckets.concat(parts)
    order = order_by(every.tag, every.time_us)
    if (order[1:] < order[:-1]).any():
        every = every.take(order)
    again = _go_on(every)
    if not again.any():
        return every
    every = every.take(np.lexsort((every.first_us, every.time_us, every.tag)))
    again = _go_on(every)
    clash = np.zeros(len(every), dtype=bool)
    clash[1:] = again[1:] & (every.first_us[1:] <= every.last_us[:-1])
    if not clash.any():
        return added(every, again)
    group = np.cumsum(~again) - 1
    dirty = np.zeros(int(group[-1]) + 1, dtype=bool)
    dirty[group[clash]] = True
    if dirty.mean() > DIRTY_SHARE_MAX:
        return None
    starts = np.flatnonzero(~again)[dirty]
    fresh = _from_samples(view, width_us, paths, every.tag[starts], every.time_us[starts])
    clean = ~dirty[group]
    united = Buckets.concat([added(every.take(clean), again[clean]), fresh])
    return united.take(np.lexsort((united.time_us, united.tag)))


def _go_on(buckets: Buckets) -> NDArray[np.bool_]:
    """Which have the tag and time of the one before them."""
    again = np.zeros(len(buckets), dtype=bool)
    again[1:] = buckets.tag[1:] == buckets.tag[:-1]
    again[1:] &= buckets.time_us[1:] == buckets.time_us[:-1]
    return again


def _from_samples(
    view: View,
    width_us: int,
    paths: Sequence[str],
    tags: NDArray[np.int32],
    times_us: NDArray[np.int64],
) -> Buckets:
    """The buckets of these keys, read as samples. Keys of neighbouring buckets are read at once."""
    found = []
    for place, first_us, last_us in _stretches(tags, times_us, width_us):
        rows = view.rows([paths[place]], first_us, last_us + width_us)
        buckets = buckets_of(rows, width_us)
        buckets.tag = np.full(len(buckets), place, np.int32)
        asked = times_us[tags == place]
        found.append(buckets.take(np.isin(buckets.time_us, asked)))
    return Buckets.concat(found)


def _stretches(
    tags: NDArray[np.int32], times_us: NDArray[np.int64], width_us: int
) -> Iterator[tuple[int, int, int]]:
    """Runs of a tag's buckets with less than a day between them: tag, first, last."""
    near = (tags[1:] == tags[:-1]) & (times_us[1:] - times_us[:-1] < DAY_US)
    starts = np.append(0, np.flatnonzero(~near) + 1)
    ends = np.append(starts[1:], len(tags)) - 1
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield int(tags[start]), int(times_us[start]), int(times_us[end])
