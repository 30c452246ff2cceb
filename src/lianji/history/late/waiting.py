"""Samples that wait, because the file or the tier that would tell whether they are new cannot be
read just now.

They hold up no others: they are set aside in a file of their own, answered from memory like those
that are not flushed yet, and tried again with every flush. Each change of what waits is a new file,
and the commit of the flush says which one is true, so a crash neither loses nor doubles a sample.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from lianji.base.durable import write_atomically
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.history.memory import Held
from lianji.spool.record import Damage, decode_batch, encode_batch, scan

ROWS_MAX = 1_000_000
"""If more would have to wait, the flush fails instead, and the spool keeps them."""
log = structlog.get_logger(__name__)


def source_of_waiting(source: str) -> str:
    """The application id under which the table says which file of waiting samples is true."""
    return f"{source}/waiting"


def file_of(folder: Path, number: int) -> Path:
    return folder / f"{number:012d}.records"


def read_waiting(folder: Path, number: int) -> list[Batch]:
    """The batches that wait by the word of a table, in order. Raises FileNotFoundError where the
    table was moved on meanwhile, StorageError."""
    if not number:
        return []
    file = file_of(folder, number)
    batches = []
    for _, item in scan(memoryview(file.read_bytes())):
        if isinstance(item, Damage):
            raise waiting_lost(file)
        batches.append(decode_batch(item))
    return batches


def waiting_lost(file: Path) -> StorageError:
    return StorageError(
        "waiting-lost",
        Text(
            f"The samples that wait in {file} are missing or damaged.",
            f"{file} 中的待处理样本缺失或已损坏。",
        ),
        Text("Restore the file from a backup.", "请从备份恢复该文件。"),
    )


class Waiting:
    """What waits of one plant. Belongs to its historian, under its lock."""

    def __init__(self, folder: Path, number: int) -> None:
        """``number`` is what the table says."""
        self._folder = folder
        self.number = number
        self._offered: dict[int, list[Batch]] = {}
        self.lost: dict[str, StorageError] = {}
        """The file by its path, and what is wrong, where what waited cannot be read."""
        self.batches: list[Batch] = []
        try:
            self.batches = read_waiting(folder, number)
        except (FileNotFoundError, StorageError):
            file = file_of(folder, number)
            self.lost[str(file)] = waiting_lost(file)
        self._sweep()

    @property
    def rows(self) -> int:
        return sum(map(len, self.batches))

    def before(self, held: Sequence[Held]) -> list[Held]:
        """What is to be settled: all that waits, then what is held, if there is any. As far as
        modified history is concerned, what waits arrived with the first batch that is held."""
        if not held:
            return []
        now_ns = time.monotonic_ns()
        return [*(Held(held[0].sequence, batch, now_ns) for batch in self.batches), *held]

    def offer(self, batches: list[Batch]) -> int:
        """Write what will wait once a commit says this number; the present number if it is what
        waits already. Raises OSError."""
        if _same(batches, self.batches):
            return self.number
        number = max([self.number, *self._offered]) + 1
        self._folder.mkdir(exist_ok=True)
        parts = [bytes(p) for at, one in enumerate(batches) for p in encode_batch(at + 1, one)]
        write_atomically(file_of(self._folder, number), b"".join(parts))
        self._offered[number] = batches
        return number

    def believe(self, number: int) -> None:
        """A commit has said which offer is true."""
        if number != self.number:
            self.number, self.batches = number, self._offered[number]
        self._offered.clear()
        self._sweep()

    def _sweep(self) -> None:
        for file in self._folder.glob("*.records"):
            if file != file_of(self._folder, self.number):
                file.unlink(missing_ok=True)


def may_wait(rows: int, cause: StorageError | None) -> None:
    """Raises the cause if that are too many."""
    if rows:
        assert cause is not None
        if rows > ROWS_MAX:
            raise cause
        log.warning("samples-wait", rows=rows, why=cause.cause.en)


def picked(held: Sequence[Held], arrivals: NDArray[np.intp]) -> list[Batch]:
    """Those rows of batches that arrived at these places, each by itself with its batch's id."""
    ends = np.cumsum([len(one.batch) for one in held])
    arrivals = np.sort(arrivals)
    of_batch = np.searchsorted(ends, arrivals, side="right")
    found = []
    for place in np.flatnonzero(np.bincount(of_batch)).tolist():
        batch = held[place].batch
        rows = arrivals[of_batch == place] - (ends[place] - len(batch))
        found.append(replace(batch, samples=batch.samples.take(rows)))
    return found


def _same(left: Iterable[Batch], right: Iterable[Batch]) -> bool:
    return [(one.id, len(one)) for one in left] == [(one.id, len(one)) for one in right]
