"""The rows of a data set out of the history, piece by piece, and what they add up to by day.

A grid's row is a step: ``time`` is where the step begins, and each column has its value (null:
none) and its quality, which says of a missing value why: no data, or how bad the samples there are.
Samples as they are have the columns tag, time, value, text, quality.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE
from lianji.history.backup.row_hash import row_hashes
from lianji.history.digest import DAY_US, Digest, steps_in
from lianji.history.history import History
from lianji.learn.datasets.columns import QUALITY
from lianji.learn.datasets.manifest import FrozenColumn
from lianji.learn.datasets.spec import DataSetSpec

CELLS = 500_000
"""About so many cells or samples are in a piece."""
_WORST = "worst_quality"
RAW = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int32(), nullable=False),
    ]
)


def schema_of(spec: DataSetSpec, columns: Sequence[FrozenColumn]) -> pa.Schema:
    if spec.kind == "raw":
        return RAW
    fields = [pa.field("time", TIME_TYPE, nullable=False)]
    for one in columns:
        fields.append(pa.field(one.name, pa.float64()))
        fields.append(pa.field(one.name + QUALITY, pa.int32(), nullable=False))
    return pa.schema(fields)


def frozen_rows(
    history: History, spec: DataSetSpec, columns: Sequence[FrozenColumn]
) -> Iterator[tuple[pa.Table, float]]:
    """Tables of the schema, in order of time (a grid) or of pieces of time (samples); with each,
    how much of all is done."""
    of_kind = _samples if spec.kind == "raw" else _grid
    yield from of_kind(history, spec, columns)


def _grid(
    history: History, spec: DataSetSpec, columns: Sequence[FrozenColumn]
) -> Iterator[tuple[pa.Table, float]]:
    schema, step_us = schema_of(spec, columns), spec.step_us
    span_us = step_us * max(1, CELLS // len(columns))
    for start_us in range(spec.start_us, spec.end_us, span_us):
        until_us = min(start_us + span_us, spec.end_us)
        cells: dict[str, pa.Array] = {}
        for aggregate, group in _by_aggregate(columns).items():
            tags = [one.tag for one in group]
            asked = dict.fromkeys((aggregate, _WORST))
            found = history.aggregate(tags, start_us, until_us, step_us, [*asked], with_status=True)
            steps = found.num_rows // len(tags)
            value, quality = found[aggregate].combine_chunks(), _qualities(found, aggregate)
            time = found["time"].combine_chunks().slice(0, steps)
            for place, one in enumerate(group):
                at = place * steps
                cells[one.name] = value.slice(at, steps)
                cells[one.name + QUALITY] = pa.array(quality[at : at + steps])
        table = pa.table([time, *(cells[name] for name in schema.names[1:])], schema=schema)
        yield table, (until_us - spec.start_us) / (spec.end_us - spec.start_us)


def _qualities(found: pa.Table, aggregate: str) -> NDArray[np.int32]:
    """The quality of each cell; where there is no value, but were samples, the worst of theirs."""
    status = np.asarray(found[f"{aggregate}_status"].combine_chunks().to_numpy())
    quality: NDArray[np.int32] = (status >> 16).astype(np.int32)
    worst = np.asarray(found[_WORST].combine_chunks().to_numpy(zero_copy_only=False))
    why = np.asarray(found[aggregate].is_null()) & (worst > 0)
    quality[why] = worst[why].astype(np.int64) >> 16
    return quality


def _by_aggregate(columns: Sequence[FrozenColumn]) -> dict[str, list[FrozenColumn]]:
    found: dict[str, list[FrozenColumn]] = {}
    for one in columns:
        found.setdefault(one.aggregate, []).append(one)
    return found


def _samples(
    history: History, spec: DataSetSpec, columns: Sequence[FrozenColumn]
) -> Iterator[tuple[pa.Table, float]]:
    tags = sorted(one.tag for one in columns)
    span_us = spec.end_us - spec.start_us
    pieces = 1 + history.rows_expected(tags, spec.start_us, spec.end_us) // CELLS
    width_us = -(-span_us // pieces)
    for start_us in range(spec.start_us, spec.end_us, width_us):
        until_us = min(start_us + width_us, spec.end_us)
        for part in history.read_in_parts(tags, start_us, until_us):
            yield part.cast(RAW), (until_us - spec.start_us) / span_us


class DayDigest:
    """Of each column and day from the start on, how many values and the sum of their hashes."""

    def __init__(self, spec: DataSetSpec, columns: Sequence[FrozenColumn]) -> None:
        self._raw = spec.kind == "raw"
        self._start_us = spec.start_us
        self.names = [one.name for one in columns]
        self._place = {one.tag: place for place, one in enumerate(columns)}
        self.digest = Digest.none(len(columns), steps_in(spec.start_us, spec.end_us, DAY_US))

    def add(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        time = table["time"].combine_chunks()
        days = (time.view(pa.int64()).to_numpy() - self._start_us) // DAY_US
        if self._raw:
            tags = table["tag"].combine_chunks().dictionary_encode()
            places = np.array([self._place[tag] for tag in tags.dictionary.to_pylist()], np.int64)
            hashes = row_hashes(table.drop_columns(["tag"]))
            self._count(places[tags.indices.to_numpy()], days, hashes, np.ones(len(days), bool))
            return
        for place, name in enumerate(self.names):
            cell = one_column(table, name)
            there = ~np.isnan(cell["value"].to_numpy(zero_copy_only=False))
            self._count(np.full(len(days), place), days, row_hashes(cell), there)

    def _count(
        self,
        places: NDArray[np.int64],
        days: NDArray[np.int64],
        hashes: NDArray[np.uint64],
        there: NDArray[np.bool_],
    ) -> None:
        cells = places * self.digest.counts.shape[1] + days
        np.add.at(self.digest.counts.reshape(-1), cells, there)
        np.add.at(self.digest.hashes.reshape(-1), cells, hashes)


def one_column(table: pa.Table, name: str) -> pa.Table:
    """A grid's column as time, value, quality."""
    chosen = table.select(["time", name, name + QUALITY])
    return chosen.rename_columns(["time", "value", "quality"])
