"""What running models ask of the history, and its answers as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.quality import Quality
from lianji.learn.deployment.windows import Series

Heard = Callable[[str], bool]
"""Whether the history knows a tag yet, which then is so for good."""
NEVER = np.iinfo(np.int64).min


class Samples(Protocol):
    """``history.history.History`` says more of each."""

    def last(self, tags: Sequence[str] | None = None) -> pa.Table: ...

    def read(
        self, tags: Sequence[str], start_us: int, end_us: int, bounds: bool = False
    ) -> pa.Table: ...


class Newest:
    """The newest sample of each of some tags: [n] times, values and qualities."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = list(tags)
        self.place = {tag: number for number, tag in enumerate(self.tags)}
        self.times_us = np.full(len(self.tags), NEVER, np.int64)
        self.values = np.full(len(self.tags), np.nan)
        self.quality = np.full(len(self.tags), int(Quality.BAD_NO_DATA), np.uint16)
        self._silent = list(range(len(self.tags)))
        self._asked: list[str] = []
        self._places = np.empty(0, np.intp)

    def refresh(self, samples: Samples, heard: Heard) -> None:
        """Raises what the history raises."""
        spoke = [place for place in self._silent if heard(self.tags[place])]
        if spoke:
            self._places = np.sort(np.append(self._places, spoke)).astype(np.intp)
            self._silent = sorted(set(self._silent) - set(spoke))
            self._asked = [self.tags[place] for place in self._places.tolist()]
        if not self._asked:
            return
        table = samples.last(self._asked)
        if not table.num_rows:
            return
        table = table.combine_chunks()
        place = self._places[table.column("tag").chunk(0).indices.to_numpy()]
        self.times_us[place] = table.column("time").cast(pa.int64()).to_numpy()
        self.values[place] = table.column("value").to_numpy()
        self.quality[place] = table.column("quality").to_numpy()


def series_of(
    samples: Samples, heard: Heard, tags: Sequence[str], start_us: int, end_us: int
) -> Mapping[str, Series]:
    """The good samples of each tag between two times (the end excluded); of a tag that was never
    heard none."""
    found = {tag: Series(np.empty(0, np.int64), np.empty(0)) for tag in tags}
    asked = [tag for tag in found if heard(tag)]
    if not asked:
        return found
    table = samples.read(asked, start_us, end_us)
    if not table.num_rows:
        return found
    table = table.combine_chunks()
    chunk = table.column("tag").chunk(0)
    codes: NDArray[np.int32] = chunk.indices.to_numpy()
    times = table.column("time").cast(pa.int64()).to_numpy()
    order = np.lexsort((times, codes))
    codes, times = codes[order], times[order]
    values = table.column("value").to_numpy()[order]
    quality = table.column("quality").to_numpy()[order].astype(np.uint16)
    for code, path in enumerate(chunk.dictionary.to_pylist()):
        start, stop = np.searchsorted(codes, [code, code + 1]).tolist()
        found[path] = Series.of(times[start:stop], values[start:stop], quality[start:stop])
    return found
