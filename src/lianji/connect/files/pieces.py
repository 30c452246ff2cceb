"""What an import gives: pieces of samples, and every cell that could not be taken, with why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text


class Rejected(NamedTuple):
    """A row or cell that was not taken: ``column`` is "" where the whole row was not."""

    line: int
    """From 1: the line of a CSV file, the row of a sheet, the row of a Parquet file."""
    column: str
    reason: Text
    raw: str


@dataclass(slots=True)
class Piece:
    """Samples of a file in its own order, one row each, and what was rejected on the way.

    ``numbers`` int32 (n,): index into ``paths``; ``times_us`` int64 (n,): microseconds since 1970
    UTC, within 1900 to 2200; ``values`` float64 (n,), finite, or NaN where there is none;
    ``quality`` uint16 (n,); ``texts``: string array (n,) or None if all are numbers.
    """

    paths: list[str]
    numbers: NDArray[np.int32]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint16]
    texts: pa.Array | None
    rejected: list[Rejected]
    rows: int
    """Rows of the file that this piece read."""
    bytes_done: int
    bytes_total: int

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(slots=True)
class Block:
    """Rows as they stand in the file, column by column, and those that are no rows at all."""

    columns: list[pa.Array]
    lines: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    """Number of the row from 0, counting the rejected: the clock of a file without times."""
    bytes_done: int
    rejected: list[Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def slices(self, rows: int) -> Iterator[Block]:
        """The block in parts of at most ``rows``; the first carries what was rejected."""
        for start in range(0, max(len(self), 1), rows):
            yield Block(
                [column.slice(start, rows) for column in self.columns],
                self.lines[start : start + rows],
                self.ordinals[start : start + rows],
                self.bytes_done,
                self.rejected if start == 0 else [],
            )


class Source(Protocol):
    """A file that gives blocks: CSV, Excel or Parquet."""

    names: list[str]
    delimiter: str
    """Of a CSV file, else empty."""
    bytes_total: int

    def blocks(self) -> Iterator[Block]: ...


def refuse(code: str, en: str, zh: str, remedy_en: str, remedy_zh: str) -> InputError:
    """The error for a file that cannot be taken as a whole."""
    return InputError(f"import-{code}", Text(en, zh), Text(remedy_en, remedy_zh))


def raw_text(cells: pa.Array, row: int) -> str:
    """The cell as it stood, cut to a length that can be shown."""
    cell = cells[row].as_py()
    return "" if cell is None else str(cell)[:200]
