"""Late rows: what comes again or comes after its time, so that the table holds each key once.

A (tag, time) is in the table once, in every version of it: any tool that reads it reads the truth.
New rows later than all that the table has of their tag are sure to be new, which is nearly all.
The others are compared with the files that may hold their keys: the same sample again is dropped,
a correction replaces the row by rewriting its file in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_US_MAX
from lianji.history.parquet import DAY_US, Wanted, read_rows, write_days
from lianji.history.rows import Rows
from lianji.history.table import DataFile, SamplesTable

UNKNOWN = np.iinfo(np.int64).max
"""Nothing is known yet of a tag's newest time in the table: everything of it must be compared."""


@dataclass(slots=True)
class Settled:
    """New rows without repetitions, and the files that lose rows to corrections."""

    rows: Rows
    repeated: int = 0
    corrected: int = 0
    removed: list[DataFile] = field(default_factory=list)
    rewritten: list[DataFile] = field(default_factory=list)


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

    def _grow(self, highest: int) -> None:
        if highest >= len(self._time_us):
            more = max(highest + 1, 2 * len(self._time_us)) - len(self._time_us)
            self._time_us = np.append(self._time_us, np.full(more, UNKNOWN, np.int64))


def settle(
    table: SamplesTable, site: str, rows: Rows, paths: Sequence[str], newest: Newest
) -> Settled:
    """Compare new rows (sorted, each key once; tags are ids into ``paths``) with the table.

    Writes the files that replace corrected ones, but commits nothing.
    """
    settled = Settled(rows)
    if not len(rows):
        return settled
    firsts = first_of_groups(rows.tag)
    if (rows.time_us[firsts] <= newest.of(rows.tag[firsts])).any():
        late = np.flatnonzero(rows.time_us <= newest.of(rows.tag))
        _compare(table, site, settled, late, paths)
    _learn_all(table, site, rows, firsts, paths, newest)
    return settled


def first_of_groups(column: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where in a column each run of equal values begins."""
    if not len(column):
        return np.empty(0, np.intp)
    return np.concatenate(([0], np.flatnonzero(column[1:] != column[:-1]) + 1))


def _compare(
    table: SamplesTable,
    site: str,
    settled: Settled,
    late: NDArray[np.intp],
    paths: Sequence[str],
) -> None:
    rows = settled.rows
    places = rows.take(late)
    ids = places.tag[first_of_groups(places.tag)]
    names = sorted(paths[tag] for tag in ids.tolist())
    wanted = Wanted(names, int(places.time_us.min()), int(places.time_us.max()))
    day = (places.time_us // DAY_US).astype(np.int32)
    days = {str(one) for one in day[first_of_groups(day)].astype("M8[D]")}
    files = [
        file
        for file in table.files
        if file.site == site and file.day in days and wanted.touches(file)
    ]
    if not files:
        return
    code_of = {name: code for code, name in enumerate(names)}
    code = np.zeros(int(ids.max()) + 1, np.int32)
    code[ids] = [code_of[paths[tag]] for tag in ids.tolist()]
    keys = _Keys(code[places.tag], places.time_us)
    drop = np.zeros(len(rows), dtype=bool)
    for file in files:
        old = read_rows(table.folder, file, wanted, {})
        mine, theirs = keys.matches(old)
        if not len(mine):
            continue
        same = _equal(places, mine, old, theirs)
        drop[late[mine[same]]] = True
        settled.repeated += int(same.sum())
        if not same.all():
            settled.corrected += int((~same).sum())
            _rewrite(table, file, old.take(theirs[~same]), names, settled)
    if drop.any():
        settled.rows = rows.take(~drop)


class _Keys:
    """Find (tag, time) pairs among the new rows."""

    def __init__(self, codes: NDArray[np.int32], times_us: NDArray[np.int64]) -> None:
        self._order = np.lexsort((times_us, codes))
        self._codes = codes[self._order]
        self._times = times_us[self._order]
        self._starts = np.searchsorted(self._codes, np.arange(int(codes.max()) + 2))

    def matches(self, old: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places among the new rows and among ``old`` that have the same key."""
        mine: list[NDArray[np.intp]] = []
        theirs: list[NDArray[np.intp]] = []
        for code in np.unique(old.tag).tolist():
            first, last = self._starts[code], self._starts[code + 1]
            times = self._times[first:last]
            if not len(times):
                continue
            places = np.flatnonzero(old.tag == code)
            at = np.searchsorted(times, old.time_us[places])
            hit = (at < len(times)) & (times[np.minimum(at, len(times) - 1)] == old.time_us[places])
            mine.append(self._order[first + at[hit]])
            theirs.append(places[hit])
        if not mine:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        return np.concatenate(mine), np.concatenate(theirs)


def _equal(
    new: Rows, mine: NDArray[np.intp], old: Rows, theirs: NDArray[np.intp]
) -> NDArray[np.bool_]:
    a, b = new.value[mine], old.value[theirs]
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    same &= new.quality[mine] == old.quality[theirs]
    if new.text.null_count < len(new) or old.text.null_count < len(old):
        texts = zip(
            new.text.take(pa.array(mine)).to_pylist(),
            old.text.take(pa.array(theirs)).to_pylist(),
            strict=True,
        )
        same &= np.fromiter((x == y for x, y in texts), dtype=bool, count=len(mine))
    return np.asarray(same)


def _rewrite(
    table: SamplesTable, file: DataFile, replaced: Rows, names: Sequence[str], settled: Settled
) -> None:
    """The file again without the replaced rows."""
    codes: dict[str, int] = {}
    whole = read_rows(table.folder, file, Wanted(None, file.start_us, file.end_us), codes)
    gone = {
        (codes[names[tag]], time)
        for tag, time in zip(replaced.tag.tolist(), replaced.time_us.tolist(), strict=True)
    }
    tags = {tag for tag, _ in gone}
    keep = np.ones(len(whole), dtype=bool)
    for place in np.flatnonzero(np.isin(whole.tag, list(tags))).tolist():
        keep[place] = (int(whole.tag[place]), int(whole.time_us[place])) not in gone
    settled.removed.append(file)
    rest = whole.take(keep)
    if len(rest):
        settled.rewritten += write_days(table.folder, file.site, rest, list(codes))


def _learn_all(
    table: SamplesTable,
    site: str,
    rows: Rows,
    firsts: NDArray[np.intp],
    paths: Sequence[str],
    newest: Newest,
) -> None:
    """After the commit the newest times of these tags are known, older files included.

    ``firsts``: where each tag's rows begin; they end with its newest.
    """
    tags = rows.tag[firsts]
    unknown = tags[newest.of(tags) == UNKNOWN]
    if len(unknown):
        first_us = int(rows.time_us.min())
        names = sorted(paths[tag] for tag in unknown.tolist())
        wanted = Wanted(names, first_us, TIME_US_MAX)
        id_of = {paths[tag]: tag for tag in unknown.tolist()}
        ids = np.array([id_of[name] for name in names], np.int32)
        for file in table.files:
            if file.site == site and wanted.touches(file):
                old = read_rows(table.folder, file, wanted, {})
                if len(old):
                    newest.learn(ids[old.tag], old.time_us)
    newest.learn(tags, rows.time_us[np.append(firsts[1:], len(rows)) - 1])
