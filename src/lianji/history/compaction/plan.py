"""What is worth merging: pure, files in, merges out.

While a day runs, files of one level are merged when there are ``FAN`` of them, so each row is
rewritten about as often as the level is high. When the day is over all its files are merged into
few large ones, each with tags of its own: it is sealed. What comes late is merged in when it is
much, or has waited long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import SEALED, Files

FAN = 8
LATE_SHARE = 0.05
LATE_WAITS_US = 6 * 3_600_000_000
DAY_OVER_US = 2 * 3_600_000_000
"""So long after its end a day is taken to be complete."""
SMALL_ROWS = 4_000_000
"""So few rows are merged whenever there are enough files: it costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one site and day that become files of a level."""

    site: str
    day: str
    inputs: tuple[DataFile, ...]
    level: int


def next_merge(files: Files, now_us: int, written_us: Callable[[str], int]) -> Merge | None:
    """The merge that is most worth doing now, or None.

    ``written_us`` tells when a file was written, by its path. Running days go first, the newest
    before the others: they are asked about most.
    """
    newest_first = sorted(files.open, key=lambda part: (part[1], part[0]), reverse=True)
    found = [
        merge
        for site, day in newest_first
        for merge in _of_day(site, day, files.of(site, day), now_us, written_us)
    ]
    return next(iter(sorted(found, key=lambda merge: merge.level)), None)


def _of_day(
    site: str,
    day: str,
    files: Sequence[DataFile],
    now_us: int,
    written_us: Callable[[str], int],
) -> Iterator[Merge]:
    open_files = [file for file in files if file.level < SEALED]
    if not open_files:
        return
    if now_us < _end_of_us(files) + DAY_OVER_US:
        yield from _of_level(site, day, open_files)
        return
    newest_us = max(written_us(file.path) for file in open_files)
    if now_us - newest_us < _patience_us(files, open_files):
        yield from _of_level(site, day, open_files)
        return
    inputs = tuple(_touched(files, open_files))
    yield Merge(site, day, inputs, SEALED)


def _of_level(site: str, day: str, files: Sequence[DataFile]) -> Iterator[Merge]:
    for level in sorted({file.level for file in files}):
        same = [file for file in files if file.level == level]
        if len(same) >= FAN and level + 1 < SEALED:
            yield Merge(site, day, tuple(same[:FAN]), level + 1)
            return


def _patience_us(files: Sequence[DataFile], open_files: Sequence[DataFile]) -> int:
    """How long the newest late file must have lain there. A day that was never sealed waits for
    a quiet minute, so that an import of the past is not merged again for each of its batches."""
    late, whole = sum(f.rows for f in open_files), sum(f.rows for f in files)
    sealed_before = len(open_files) < len(files)
    if not sealed_before or late >= LATE_SHARE * whole or whole <= SMALL_ROWS:
        return 60_000_000
    return LATE_WAITS_US


def _touched(files: Sequence[DataFile], open_files: Sequence[DataFile]) -> Iterator[DataFile]:
    """The open files, and the sealed ones that share tags with them."""
    for file in files:
        if file.level < SEALED or any(_share_tags(file, other) for other in open_files):
            yield file


def _share_tags(one: DataFile, other: DataFile) -> bool:
    return one.first_tag <= other.last_tag and one.last_tag >= other.first_tag


def _end_of_us(files: Sequence[DataFile]) -> int:
    day_us = 86_400_000_000
    return (max(file.start_us for file in files) // day_us + 1) * day_us
