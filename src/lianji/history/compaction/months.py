"""The hours of a month in one file, so that a year of one tag is a dozen files and not hundreds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.history.delta.actions import DataFile
from lianji.history.parquet.reading import Stored, Wanted, row_groups
from lianji.history.places.place import Place
from lianji.history.rollup.buckets import Buckets
from lianji.history.rollup.stored import Counted, read_buckets
from lianji.history.rollup.tables import HOURS, RollupWriter, sources_by_day

TAGS_AT_ONCE = 500


def merge_hours(
    place: Place, site: str, month: str, inputs: Sequence[tuple[DataFile, set[str]]]
) -> list[DataFile]:
    """One file of those days of each input that still count."""
    files = [Counted(Stored(place, file), days) for file, days in inputs if days]
    writer = RollupWriter(place, HOURS, site, month)
    for paths in _slices(_tags(files)):
        wanted = Wanted(paths, TIME_US_MIN, TIME_US_MAX)
        parts = [read_buckets(one, wanted) for one in files if wanted.touches(one.stored.file)]
        every = Buckets.concat([Buckets.none(), *parts])
        writer.add(every.take(np.lexsort((every.first_us, every.time_us, every.tag))), paths)
    sources = [
        f"{day}:{name}"
        for one in files
        for day, names in sources_by_day(one.stored.file).items()
        if day in one.days
        for name in sorted(names)
    ]
    return writer.close(sources)


def _tags(files: Sequence[Counted]) -> list[str]:
    found: set[str] = set()
    everything = Wanted(None, TIME_US_MIN, TIME_US_MAX)
    for one in files:
        table = row_groups(one.stored, everything, ["tag"])
        if table is not None:
            for chunk in table.column(0).chunks:
                found.update(chunk.dictionary.to_pylist())
    return sorted(found)


def _slices(tags: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(tags), TAGS_AT_ONCE):
        yield list(tags[start : start + TAGS_AT_ONCE])
