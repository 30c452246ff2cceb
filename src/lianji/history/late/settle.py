"""Late rows: what comes again or comes after its time, so that the table holds each key once.

A (tag, time) is in the table once, in every version of it: any tool that reads it reads the truth.
New rows later than all that the table has of their tag are sure to be new, which is nearly all.
The others are compared with the files that may hold their keys: the same sample again is dropped,
a correction replaces the row by rewriting its file, and what it replaced is told.

A sample that may lie in a file or a tier that cannot be read waits, and holds up no other.

What was replaced by what depends on the order of arrival alone, never on which batches happened to
be flushed together, so a flush that is repeated after a crash tells the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import StorageError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import day_name
from lianji.history.delta.log import Change
from lianji.history.late.keys import UNKNOWN, Keys, Newest, first_of_groups
from lianji.history.late.sieve import Found, Sieves
from lianji.history.parquet.reading import Stored, Wanted, read_groups, read_rows, unreadable
from lianji.history.parquet.writing import DAY_US, write_file
from lianji.history.rows import Rows, same_content, same_key_as_next
from lianji.history.sites import Sites
from lianji.history.tiers import TierFiles

LEARNED_AT_ONCE = 5_000
"""So many tags' newest times are looked up in one reading, which bounds the memory of a start."""


@dataclass(slots=True)
class Replaced:
    """Rows that a later arrival replaced, and the place of each that did it among the arrivals."""

    rows: Rows
    """``Rows.tag`` are tag ids."""
    by: NDArray[np.intp]


@dataclass(slots=True)
class Rewritten:
    """A file that lost rows to corrections, and the one that takes its place (None: empty)."""

    old: Stored
    new: DataFile | None
    gone: Rows
    """What it lost; ``Rows.tag`` are tag ids."""


def rewriting(some: Sequence[Rewritten]) -> Change:
    """The commit of files that lost rows."""
    added = [one.new for one in some if one.new is not None]
    return Change("DELETE", added, [one.old.file for one in some])


@dataclass(slots=True)
class Settled:
    """New rows without repetitions, what they replaced, and the files that lose rows."""

    rows: Rows
    repeated: int = 0
    replaced: list[Replaced] = field(default_factory=list)
    rewritten: list[Rewritten] = field(default_factory=list)
    waiting: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    """The places among the arrivals of samples that must wait, and below why."""
    cause: StorageError | None = None

    @property
    def corrected(self) -> int:
        return sum(len(one.by) for one in self.replaced)


def settle(
    files: TierFiles,
    sites: Sites,
    rows: Rows,
    order: NDArray[np.intp],
    paths: Sequence[str],
    newest: Newest,
    sieves: Sieves,
    out_of_reach_us: int = TIME_US_MIN,
) -> Settled:
    """Compare new rows with each other and with the table.

    ``rows`` are sorted by path and time, equal keys in order of arrival; their tags are ids into
    ``paths``; ``order`` is the place of each among the arrivals. Writes the files that take the
    place of corrected ones, but commits nothing. Samples before ``out_of_reach_us`` may lie in a
    tier that is away.
    """
    settled = Settled(rows)
    if not len(rows):
        return settled
    again = same_key_as_next(rows)
    groups = first_of_groups(rows.tag)
    drop, unsure = again, (rows.time_us < out_of_reach_us) & ~again
    if (rows.time_us[groups] <= newest.of(rows.tag[groups])).any():
        places = np.flatnonzero((rows.time_us <= newest.of(rows.tag)) & ~again & ~unsure)
        firsts = _firsts(again, places)
        late = _Late(places, rows.take(places), rows.take(firsts), order[firsts])
        drop = again.copy()
        if len(places):
            _with_table(files, sites, settled, late, paths, sieves, drop, unsure)
    waits = _waiting(settled, again, unsure, order)
    _among_themselves(settled, again & ~waits, order)
    drop = drop | waits
    if drop.any():
        settled.rows = rows.take(~drop)
    _learn_all(files, sites, settled.rows, paths, newest)
    return settled


def _firsts(again: NDArray[np.bool_], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """The place of the first arrival of the key of each of these rows."""
    is_first = np.append(True, ~again[:-1])
    return np.maximum.accumulate(np.where(is_first, np.arange(len(again)), 0))[places]


def _waiting(
    settled: Settled, again: NDArray[np.bool_], unsure: NDArray[np.bool_], order: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """All arrivals of the unsure keys, which wait together: what each of them replaced is known
    only when the table's own is. Of equal ones in a row the first is enough."""
    if not unsure.any():
        return unsure
    rows, key = settled.rows, np.cumsum(np.append(True, ~again[:-1]))
    waits = np.isin(key, key[unsure])
    older = np.flatnonzero(again & waits)
    same = same_content(rows, older, rows, older + 1)
    settled.repeated += int(same.sum())
    kept = waits.copy()
    kept[older[same] + 1] = False
    settled.waiting = order[kept]
    return waits


def _among_themselves(settled: Settled, again: NDArray[np.bool_], order: NDArray[np.intp]) -> None:
    """The last arrival of each key stays; tell what becomes of the earlier ones."""
    rows = settled.rows
    older = np.flatnonzero(again)
    if not len(older):
        return
    same = same_content(rows, older, rows, older + 1)
    settled.repeated += int(same.sum())
    if not same.all():
        settled.replaced.append(Replaced(rows.take(older[~same]), order[older[~same] + 1]))


def _with_table(
    files: TierFiles,
    sites: Sites,
    settled: Settled,
    late: _Late,
    paths: Sequence[str],
    sieves: Sieves,
    drop: NDArray[np.bool_],
    unsure: NDArray[np.bool_],
) -> None:
    """Compare the late rows with the files that may hold their keys, and mark in ``drop`` those
    that are there already, in ``unsure`` those that may be in a file that cannot be read."""
    found_in = np.zeros(len(drop), dtype=bool)
    each = np.arange(len(late.rows))
    changed = ~same_content(late.firsts, each, late.rows, each)
    for stored, some in _to_compare(files, sites, late.rows, paths):
        file, times_us = stored.file, late.rows.time_us[some]
        near = some[(times_us >= file.start_us) & (times_us <= file.end_us)]
        if not len(near):
            continue
        found = sieves.look(file.name, late.rows.take(near))
        found[changed[near] & (found == Found.SAME)] = Found.READ
        again, near = near[found == Found.SAME], near[found == Found.READ]
        drop[late.places[again]] = found_in[late.places[again]] = True
        settled.repeated += len(again)
        if not len(near):
            continue
        try:
            there, same = _with_file(stored, settled, late, near, paths)
        except (StorageError, FileNotFoundError) as error:
            settled.cause = error if isinstance(error, StorageError) else unreadable(stored, error)
            unsure[late.places[near]] = True
            continue
        found_in[there] = drop[same] = True
    # a key is in one file alone: what was found in another is not in the one that nobody can read
    unsure &= ~found_in


@dataclass(slots=True)
class _Late:
    """Rows that may be in the table already."""

    places: NDArray[np.intp]
    """Where they stand among all new rows."""
    rows: Rows
    firsts: Rows
    """The first arrivals of their keys."""
    arrivals: NDArray[np.intp]
    """The place of those among all arrivals."""


def _with_file(
    stored: Stored,
    settled: Settled,
    late: _Late,
    near: NDArray[np.intp],
    paths: Sequence[str],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Compare some of the late rows with a file. Returns the places of those that it has, and of
    those that it has already as they are. Raises StorageError, FileNotFoundError."""
    none = np.empty(0, np.intp)
    some, firsts = late.rows.take(near), late.firsts.take(near)
    starts = first_of_groups(some.tag)
    ids = some.tag[starts]
    names = [paths[tag] for tag in ids.tolist()]
    codes = np.repeat(np.arange(len(ids), dtype=np.int32), np.diff(np.append(starts, len(some))))
    wanted = Wanted(names, int(some.time_us.min()), int(some.time_us.max()))
    if not wanted.touches(stored.file):
        return none, none
    old = read_rows(stored, wanted, {})
    mine, theirs = Keys(codes, some.time_us).matches(old)
    if not len(mine):
        return none, none
    stays = same_content(some, mine, old, theirs)
    known = same_content(firsts, mine, old, theirs)
    settled.repeated += int(known.sum())
    if not known.all():
        replaced = old.take(theirs[~known])
        replaced.tag = ids[replaced.tag]
        settled.replaced.append(Replaced(replaced, late.arrivals[near[mine[~known]]]))
    if not stays.all():
        settled.rewritten.append(_without(stored, old.take(theirs[~stays]), ids, names))
    return late.places[near[mine]], late.places[near[mine[stays]]]


def _to_compare(
    files: TierFiles, sites: Sites, late: Rows, paths: Sequence[str]
) -> Iterator[tuple[Stored, NDArray[np.intp]]]:
    """The files of the sites and days of late rows, each with the places of its site's rows."""
    for site, places in sites.groups(late.tag, paths):
        for day in _days(late.time_us[places]):
            for searched in sites.searched_for(site):
                for stored in files.of(searched, day_name(day)):
                    yield stored, places


def _days(times_us: NDArray[np.int64]) -> list[int]:
    """The days that these times lie in, counted from 1970-01-01."""
    day = times_us // DAY_US
    first = int(day.min())
    return (np.flatnonzero(np.bincount(day - first)) + first).tolist()


def _without(stored: Stored, gone: Rows, ids: NDArray[np.int32], names: Sequence[str]) -> Rewritten:
    """The file again without some rows, piece by piece; ``gone.tag`` are codes into ``names``, the
    paths of ``ids``."""
    keys_by_name = {name: code for code, name in enumerate(names)}
    left = stored.file.rows - len(gone)
    of_ids = gone.take(slice(None))
    of_ids.tag = ids[gone.tag]
    if left == 0:
        return Rewritten(stored, None, of_ids)

    def pieces() -> Iterator[tuple[Rows, Sequence[str]]]:
        for piece, of_piece in read_groups(stored):
            codes = np.array([keys_by_name.get(name, -1) for name in of_piece], np.int32)
            known = piece.take(slice(None))
            known.tag = codes[piece.tag]
            _, theirs = keys.matches(_only_known(known))
            keep = np.ones(len(piece), dtype=bool)
            keep[np.flatnonzero(known.tag >= 0)[theirs]] = False
            if keep.any():
                yield piece.take(keep), of_piece

    keys = Keys(gone.tag, gone.time_us)
    file = stored.file
    new = write_file(stored.place, file.site, file.period, pieces(), file.level)
    return Rewritten(stored, new, of_ids)


def _only_known(rows: Rows) -> Rows:
    return rows.take(rows.tag >= 0)


def _learn_all(
    files: TierFiles, sites: Sites, rows: Rows, paths: Sequence[str], newest: Newest
) -> None:
    """After the commit the newest times of these tags are known, older files included; but for
    those of which a file cannot be read."""
    if not len(rows):
        return
    firsts = first_of_groups(rows.tag)
    tags = rows.tag[firsts]
    unknown = tags[newest.of(tags) == UNKNOWN]
    start_us = int(rows.time_us.min())
    searched = sites.of_paths(paths[tag] for tag in unknown.tolist())
    older = files.between(start_us, TIME_US_MAX, searched) if len(unknown) else []
    some = (unknown[at : at + LEARNED_AT_ONCE] for at in range(0, len(unknown), LEARNED_AT_ONCE))
    open_ = [tags for tags in some if older and not _learn(older, tags, start_us, paths, newest)]
    sure = ~np.isin(tags, np.concatenate(open_)) if open_ else slice(None)
    newest.learn(tags[sure], rows.time_us[np.append(firsts[1:], len(rows)) - 1][sure])


def _learn(
    older: Sequence[Stored],
    tags: NDArray[np.int32],
    start_us: int,
    paths: Sequence[str],
    newest: Newest,
) -> bool:
    """False if a file could not be read: nothing is known then."""
    wanted = Wanted([paths[tag] for tag in tags.tolist()], start_us, TIME_US_MAX)
    found = []
    for stored in older:
        if wanted.touches(stored.file):
            try:
                found.append(read_rows(stored, wanted, {}))
            except (StorageError, FileNotFoundError):
                return False
    for old in found:
        if len(old):
            newest.learn(tags[old.tag], old.time_us)
    return True
