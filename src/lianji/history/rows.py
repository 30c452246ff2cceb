"""Rows: the columns that the historian computes with, as numpy arrays of equal length.

``tag`` is an id of the plant's tag table or a code into a list of paths, as its owner says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE, Batch

Scalar = TypeVar("Scalar", bound=np.generic)

RESULT_SCHEMA = pa.schema(
    [
        pa.field("tag", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.uint16(), nullable=False),
    ]
)


@dataclass(slots=True)
class Rows:
    """Samples by column: int32, int64 (us UTC), float64 (NaN: none), uint16, string array."""

    tag: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint16]
    text: pa.Array

    def __len__(self) -> int:
        return len(self.tag)

    @classmethod
    def none(cls) -> Rows:
        return cls(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.float64),
            np.empty(0, np.uint16),
            pa.nulls(0, pa.string()),
        )

    @classmethod
    def of_batch(cls, batch: Batch) -> Rows:
        samples = batch.samples
        value = samples.column(2).to_numpy(zero_copy_only=False)
        return cls(
            batch.tags, batch.times_us, value, samples.column(4).to_numpy(), samples.column(3)
        )

    @classmethod
    def concat(cls, parts: Sequence[Rows]) -> Rows:
        if not parts:
            return cls.none()
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.tag for part in parts]),
            np.concatenate([part.time_us for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.quality for part in parts]),
            pa.concat_arrays([part.text for part in parts]),
        )

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Rows:
        """The rows at these places (indices, a mask or a slice), in that order."""
        if isinstance(which, slice):
            text = self.text[which]
        elif self.text.null_count == len(self.text):
            picked = np.count_nonzero(which) if which.dtype == np.bool_ else len(which)
            text = pa.nulls(int(picked), pa.string())
        elif which.dtype == np.bool_:
            text = self.text.filter(pa.array(which))
        else:
            text = self.text.take(pa.array(which))
        return Rows(
            self.tag[which], self.time_us[which], self.value[which], self.quality[which], text
        )

    def copied(self) -> Rows:
        """The same in memory of its own, so that what it was cut from may go."""
        return self.take(np.arange(len(self)))

    def as_table(self, paths: Sequence[str]) -> pa.Table:
        """The Arrow table that users get; ``tag`` holds codes into ``paths``."""
        return pa.table(
            [
                pa.DictionaryArray.from_arrays(pa.array(self.tag), pa.array(paths, pa.string())),
                pa.array(self.time_us).view(TIME_TYPE),
                pa.array(self.value, mask=np.isnan(self.value)),
                self.text,
                pa.array(self.quality),
            ],
            schema=RESULT_SCHEMA,
        )


def sorted_once(rows: Rows) -> Rows:
    """Sorted by tag and time; of equal keys the later row stays."""
    ordered, _ = in_order([rows])
    again = same_key_as_next(ordered)
    return ordered.take(~again) if again.any() else ordered


def in_order(
    parts: Sequence[Rows], rank: NDArray[np.int32] | None = None
) -> tuple[Rows, NDArray[np.intp]]:
    """The rows of all parts by tag (by ``rank[tag]`` if given) and time, equal keys in the order
    of their arrival, and the place of each in the parts laid end to end.

    One column is joined at a time, which takes half the memory of joining all and sorting then.
    Rows arrive mostly in time order, so a stable sort by tag alone usually is enough; only where
    it is not, the times are sorted too.
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return Rows.none(), np.empty(0, np.intp)
    tag = _joined([part.tag for part in parts])
    key = tag if rank is None else rank[tag]
    order = stable_order(key)
    key = key[order]
    time_us = _joined([part.time_us for part in parts])[order]
    late = time_us[1:] < time_us[:-1]
    if late.any() and (late & (key[1:] == key[:-1])).any():
        again = order_by(key, time_us)
        time_us, order = time_us[again], order[again]
    ordered = Rows(
        tag[order],
        time_us,
        _joined([part.value for part in parts])[order],
        _joined([part.quality for part in parts])[order],
        _texts_in_order(parts, order),
    )
    return ordered, order


def order_by(key: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.intp]:
    """A stable order by key (not negative) and time. Where both fit into one number, rows that are
    nearly in order, or in a few long runs, are sorted ten times faster by it (measured)."""
    if not len(key):
        return np.empty(0, np.intp)
    first = int(time_us.min())
    span = int(time_us.max()) - first + 1
    if (int(key.max()) + 1) * span > np.iinfo(np.int64).max:
        return np.lexsort((time_us, key))
    both = key.astype(np.int64)
    both *= span
    both += time_us
    both -= first
    return np.argsort(both, kind="stable")


def same_key_as_next(rows: Rows) -> NDArray[np.bool_]:
    """Of sorted rows, those that a later arrival of the same tag and time stands behind."""
    same = np.zeros(len(rows), dtype=bool)
    if len(rows) > 1:
        np.equal(rows.time_us[1:], rows.time_us[:-1], out=same[:-1])
        if same.any():
            same[:-1] &= rows.tag[1:] == rows.tag[:-1]
    return same


def same_content(
    left: Rows, mine: NDArray[np.intp], right: Rows, theirs: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether these rows of the one and those of the other say the same, times aside."""
    a, b = left.value[mine], right.value[theirs]
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    same &= left.quality[mine] == right.quality[theirs]
    if left.text.null_count < len(left) or right.text.null_count < len(right):
        texts = zip(
            left.text.take(pa.array(mine)).to_pylist(),
            right.text.take(pa.array(theirs)).to_pylist(),
            strict=True,
        )
        same &= np.fromiter((x == y for x, y in texts), dtype=bool, count=len(mine))
    return np.asarray(same)


def _joined(columns: Sequence[NDArray[Scalar]]) -> NDArray[Scalar]:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def _texts_in_order(parts: Sequence[Rows], order: NDArray[np.intp]) -> pa.Array:
    if all(part.text.null_count == len(part) for part in parts):
        return pa.nulls(len(order), pa.string())
    return pa.concat_arrays([part.text for part in parts]).take(pa.array(order))


def stable_order(key: NDArray[np.int32]) -> NDArray[np.intp]:
    """A stable argsort; 16-bit keys sort by radix, several times faster (measured).

    Wider keys sort by their lower half, then by their upper; where they come in few rising runs
    numpy's own merge is faster still.
    """
    if not len(key) or int(key.min()) < 0:
        return np.argsort(key, kind="stable")
    if int(key.max()) < 65536:
        return np.argsort(key.astype(np.uint16), kind="stable")
    if np.count_nonzero(key[1:] < key[:-1]) < len(key) // 1000:
        return np.argsort(key, kind="stable")
    order = np.argsort(key.astype(np.uint16), kind="stable")
    upper = (key >> 16).astype(np.uint16)[order]
    return order[np.argsort(upper, kind="stable")]


class Ranks:
    """The place of each tag id in the order of the paths."""

    def __init__(self) -> None:
        self._rank = np.empty(0, np.int32)

    def of(self, paths: Sequence[str]) -> NDArray[np.int32]:
        if len(self._rank) != len(paths):
            order = sorted(range(len(paths)), key=paths.__getitem__)
            self._rank = np.empty(len(paths), np.int32)
            self._rank[order] = np.arange(len(paths), dtype=np.int32)
        return self._rank
