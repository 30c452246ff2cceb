"""Retention: samples of some tags are kept for some time only. What goes, goes row by row.

A file that holds other tags too is written again without them. Rollups follow: they are worked out
again of what is left.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence

import numpy as np

from lianji.history.delta.actions import DataFile
from lianji.history.delta.files import day_name
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.parquet.reading import Stored, read_groups, tags_of
from lianji.history.parquet.writing import write_file
from lianji.history.rows import Rows
from lianji.history.settings import Retention

DAY_US = 86_400_000_000


class Retainer:
    """Applies the rules of one history. Remembers which files hold nothing more to remove."""

    def __init__(self, rules: Sequence[Retention]) -> None:
        self._rules = rules
        self._done: set[tuple[str, str]] = set()

    def next_file(self, log: DeltaLog, now_us: int) -> tuple[DataFile, list[str]] | None:
        """A file with samples whose time is over, and the paths of their tags."""
        for rule in self._rules:
            before = day_name(int((now_us - rule.keep_days * DAY_US) // DAY_US))
            for (_, day), some in log.files.parts.items():
                for file in some if day < before else ():
                    if (rule.tags, file.name) in self._done:
                        continue
                    gone = fnmatch.filter(tags_of(Stored(log.place, file)), rule.tags)
                    if gone:
                        return file, gone
                    self._done.add((rule.tags, file.name))
        return None


def removed(log: DeltaLog, file: DataFile, tags: Sequence[str]) -> Change:
    """The change that takes these tags out of a file. Its new file is written, not committed."""
    stored, gone = Stored(log.place, file), set(tags)

    def pieces() -> Iterator[tuple[Rows, Sequence[str]]]:
        for rows, names in read_groups(stored):
            stays = np.array([name not in gone for name in names], dtype=bool)[rows.tag]
            if stays.any():
                yield rows.take(stays), names

    if set(tags_of(stored)) <= gone:
        return Change("DELETE", (), [file])
    new = write_file(log.place, file.site, file.period, pieces(), file.level)
    return Change("DELETE", [new], [file])
