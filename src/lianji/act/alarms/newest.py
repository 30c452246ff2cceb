"""The newest samples of the tags that alarms look at, out of the history, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from lianji.act.alarms.conditions import Snapshot


class Samples(Protocol):
    """What the alarms ask of the history."""

    def last(self, tags: Sequence[str] | None = None) -> pa.Table: ...


class Newest:
    """Some tags. ``heard`` says whether the history knows one yet, which then is so for good."""

    def __init__(self, tags: Sequence[str], heard: Callable[[str], bool]) -> None:
        self._tags = tags
        self._heard = heard
        self._silent = list(range(len(tags)))
        self._places: list[int] = []

    def snapshot(self, samples: Samples) -> Snapshot:
        """Raises what the history raises."""
        snapshot = Snapshot.silent(len(self._tags))
        spoke = [place for place in self._silent if self._heard(self._tags[place])]
        if spoke:
            self._places = sorted([*self._places, *spoke])
            gone = set(spoke)
            self._silent = [place for place in self._silent if place not in gone]
        if self._places:
            _fill(snapshot, self._places, samples.last([self._tags[p] for p in self._places]))
        return snapshot


def _fill(snapshot: Snapshot, asked: Sequence[int], table: pa.Table) -> None:
    """Put the answer of ``last`` into the places that were asked for, in that order."""
    if not table.num_rows:
        return
    table = table.combine_chunks()
    codes = table.column("tag").chunk(0).indices.to_numpy()
    place = np.array(asked, np.intp)[codes]
    snapshot.time_us[place] = table.column("time").cast(pa.int64()).to_numpy()
    snapshot.value[place] = table.column("value").to_numpy()
    snapshot.quality[place] = table.column("quality").to_numpy()
    text = table.column("text")
    if text.null_count < table.num_rows:
        told = zip(place.tolist(), text.to_pylist(), strict=True)
        snapshot.texts.update({one: words for one, words in told if words is not None})
