"""The work of one merge: read sorted files, write few large ones, and what minutes and hours held.

It commits nothing: whoever asked for it looks first whether the inputs are still in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lianji.base.errors import StorageError, Text
from lianji.history.compaction.merge import Piece, merged
from lianji.history.compaction.plan import Merge
from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import SEALED
from lianji.history.parquet.reading import Stored
from lianji.history.parquet.writing import FILE_ROWS_MAX, write_file
from lianji.history.places.place import Place
from lianji.history.rollup.buckets import HOUR_US, MINUTE_US, Buckets, added, buckets_of
from lianji.history.rollup.tables import HOURS, MINUTES, RollupWriter, source_of
from lianji.history.tables import month_of

ROLLED_LEVEL = 2
"""Files below this level are so short-lived that their rollups would be no gain."""
SEALED_COMPRESSION = 14
"""For files that stay: an eighth smaller than by 6, in three times the time, once (measured). Those
that will be merged again are compressed as quickly as at a flush."""


@dataclass(slots=True)
class Outcome:
    """New durable files, not committed yet."""

    samples: list[DataFile] = field(default_factory=list)
    minutes: list[DataFile] = field(default_factory=list)
    hours: list[DataFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the samples lie and where the rollups go."""

    samples: Place
    minutes: Place
    hours: Place


def compact(places: Places, merge: Merge) -> Outcome:
    """Merge the inputs. Raises StorageError if an input cannot be read or rows are missing."""
    inputs = [Stored(places.samples, file) for file in merge.inputs]
    rollups = _Rollups(places, merge)
    outcome = Outcome()
    compression = SEALED_COMPRESSION if merge.level == SEALED else 1
    for some in _in_files(rollups.watched(merged(inputs))):
        outcome.samples.append(
            write_file(places.samples, merge.site, merge.day, some, merge.level, compression)
        )
    wanted, written = (sum(f.rows for f in some) for some in (merge.inputs, outcome.samples))
    if wanted != written:
        raise _incomplete(merge, wanted, written)
    rollups.close(outcome)
    return outcome


def roll_up(places: Places, site: str, day: str, files: Sequence[DataFile]) -> Outcome:
    """The rollups of files that have none; the files stay as they are."""
    rollups = _Rollups(places, Merge(site, day, tuple(files), ROLLED_LEVEL))
    for _ in rollups.watched(merged([Stored(places.samples, file) for file in files])):
        pass
    outcome = Outcome(samples=list(files))
    rollups.close(outcome)
    outcome.samples = []
    return outcome


class _Rollups:
    """The rollups of what passes by."""

    def __init__(self, places: Places, merge: Merge) -> None:
        self._wanted = merge.level >= ROLLED_LEVEL
        self._minutes = RollupWriter(places.minutes, MINUTES, merge.site, merge.day)
        self._hours = RollupWriter(places.hours, HOURS, merge.site, month_of(merge.day))

    def watched(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for rows, paths in pieces:
            if self._wanted:
                minutes = buckets_of(rows, MINUTE_US)
                self._minutes.add(minutes, paths)
                self._hours.add(_hours_of(minutes), paths)
            yield rows, paths

    def close(self, outcome: Outcome) -> None:
        sources = [source_of(file) for file in outcome.samples]
        outcome.minutes = self._minutes.close(sources)
        outcome.hours = self._hours.close(sources)


def _hours_of(minutes: Buckets) -> Buckets:
    hour = minutes.time_us // HOUR_US
    again = np.zeros(len(minutes), dtype=bool)
    again[1:] = (hour[1:] == hour[:-1]) & (minutes.tag[1:] == minutes.tag[:-1])
    hours = added(minutes, again)
    hours.time_us = hours.first_us // HOUR_US * HOUR_US
    return hours


def _in_files(pieces: Iterator[Piece]) -> Iterator[Iterator[Piece]]:
    """Pieces in groups of about the most rows that a file may have; no group is empty."""
    ahead = next(pieces, None)
    while ahead is not None:
        group = _Group(ahead, pieces)
        yield iter(group)
        ahead = group.ahead


class _Group:
    def __init__(self, first: Piece, rest: Iterator[Piece]) -> None:
        self.ahead: Piece | None = first
        self._rest = rest

    def __iter__(self) -> Iterator[Piece]:
        rows = 0
        while self.ahead is not None and (not rows or rows + len(self.ahead[0]) <= FILE_ROWS_MAX):
            piece, self.ahead = self.ahead, next(self._rest, None)
            rows += len(piece[0])
            yield piece


def _incomplete(merge: Merge, wanted: int, written: int) -> StorageError:
    return StorageError(
        "compaction-incomplete",
        Text(
            f"Merging {len(merge.inputs)} files of {merge.day} gave {written} rows, not {wanted}.",
            f"合并 {merge.day} 的 {len(merge.inputs)} 个文件得到 {written} 行，应为 {wanted} 行。",
        ),
        Text(
            "Nothing was changed. Check the disk; restore the day from a backup if it is damaged.",
            "数据未作任何更改。请检查磁盘；如已损坏，请从备份恢复该日数据。",
        ),
    )
