"""What a client sent and what was acknowledged, kept where no fault of the plant reaches it.

Every sample has a number that no other has: it is its value, and its time in microseconds after
``START_US``. A batch is consecutive numbers of one tag. A promise holds if every acknowledged
number is there exactly once, and every other number that was sent at most once.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

START_US = 1_700_000_000_000_000
_ROW = struct.Struct("<BBxxIQ")
_SENT, _ACKNOWLEDGED = 0, 1


class Sending(NamedTuple):
    """Numbers ``first`` to ``first + count - 1`` for the tag of one writer."""

    writer: int
    first: int
    count: int

    @property
    def tag(self) -> str:
        return f"p/writer-{self.writer}/number"

    @property
    def numbers(self) -> NDArray[np.int64]:
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


class LedgerWriter:
    """Appends rows that a killed process leaves whole: one small write each."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def sent(self, sending: Sending) -> None:
        os.write(self._file, _ROW.pack(_SENT, sending.writer, sending.count, sending.first))

    def acknowledged(self, sending: Sending) -> None:
        os.write(self._file, _ROW.pack(_ACKNOWLEDGED, sending.writer, sending.count, sending.first))


@dataclass
class Ledger:
    """The rows of a ledger's file, read at one moment."""

    sent: set[Sending] = field(default_factory=set)
    acknowledged: set[Sending] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Ledger:
        ledger = cls()
        data = path.read_bytes() if path.exists() else b""
        for kind, writer, count, first in _ROW.iter_unpack(data):
            which = ledger.acknowledged if kind == _ACKNOWLEDGED else ledger.sent
            which.add(Sending(writer, first, count))
        return ledger

    @property
    def unanswered(self) -> list[Sending]:
        """What was sent without an answer, as a client would send it again."""
        return sorted(self.sent - self.acknowledged)

    @property
    def samples(self) -> int:
        return sum(sending.count for sending in self.acknowledged)

    def problems(self, table: pa.Table) -> list[str]:
        """What is wrong with a table of tag, time, value, quality; [] if the promise holds.

        ``time`` may be a timestamp or int64 microseconds. Tags that no writer has are not looked
        at: a test may push others beside them, and a full disk may just have room for those.
        """
        tags = table.column("tag").cast(pa.string())
        table = table.filter(pa.compute.starts_with(tags, "p/writer-"))
        time_us = table.column("time").cast(pa.int64()).to_numpy()
        value = table.column("value").to_numpy()
        numbers = time_us - START_US
        wrong = []
        if not np.array_equal(numbers, value.astype(np.int64)):
            off = np.flatnonzero(numbers != value)[:5]
            some = ", ".join(f"{numbers[at]} is {value[at]}" for at in off.tolist())
            wrong.append(f"{int((numbers != value).sum())} values are not what was sent: {some}")
        if table.column("quality").to_numpy().any():
            wrong.append("a quality is not what was sent")
        tags = table.column("tag").cast(pa.string())
        for writer in sorted({sending.writer for sending in self.sent}):
            tag = Sending(writer, 0, 0).tag
            mine = np.sort(numbers[pa.compute.equal(tags, tag).to_numpy(zero_copy_only=False)])
            wrong += [f"{tag}: {words}" for words in self._problems_of(writer, mine)]
        return wrong

    def _problems_of(self, writer: int, numbers: NDArray[np.int64]) -> list[str]:
        wrong = []
        doubled = numbers[1:][numbers[1:] == numbers[:-1]]
        if len(doubled):
            wrong.append(f"{len(doubled)} are there twice, such as {doubled[:5].tolist()}")
        lost = np.setdiff1d(_numbers(self.acknowledged, writer), numbers)
        if len(lost):
            wrong.append(f"{len(lost)} acknowledged are lost, such as {lost[:5].tolist()}")
        unknown = np.setdiff1d(numbers, _numbers(self.sent, writer))
        if len(unknown):
            wrong.append(f"{len(unknown)} were never sent, such as {unknown[:5].tolist()}")
        return wrong


def _numbers(sendings: set[Sending], writer: int) -> NDArray[np.int64]:
    parts = [sending.numbers for sending in sendings if sending.writer == writer]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
