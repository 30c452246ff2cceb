"""A system under comparison: how it is fed, and how it is asked, each in its own best way.

A question does all that a client must do until it holds the numbers (send, wait, parse) and returns
a function that puts them into the order in which answers are compared; only the first is timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.mixes import Block

BUCKETS_MAX = 1_000_000
PLOTTED = 4
"""First, lowest, highest and last value of a pixel."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows by rising key: a tag's place, a time, a pixel or a tag's place and bucket."""

    key: NDArray[np.int64]
    value: NDArray[np.float64]
    """Shape (rows,) or, of a plot, (rows, 4)."""

    @classmethod
    def of(cls, key: NDArray[np.generic], value: NDArray[np.float64]) -> Answer:
        order = np.argsort(key, kind="stable")
        return cls(key[order].astype(np.int64), value[order])

    @classmethod
    def of_buckets(
        cls,
        tag: NDArray[np.generic],
        bucket: NDArray[np.generic],
        value: NDArray[np.float64],
    ) -> Answer:
        """Buckets without a value do not count: some systems tell of them and some do not."""
        told = ~np.isnan(value)
        key = tag.astype(np.int64) * BUCKETS_MAX + bucket
        return cls.of(key[told], value[told])

    def difference(self, truth: Answer) -> str:
        """What is wrong with it in a few words; empty if nothing is."""
        if len(self.key) != len(truth.key):
            return f"{len(self.key)} rows instead of {len(truth.key)}"
        if not np.array_equal(self.key, truth.key):
            return "rows of other tags or times"
        near = np.isclose(self.value, truth.value, rtol=1e-9, atol=1e-9)
        return "" if near.all() else f"{np.count_nonzero(~near)} of {near.size} values differ"


Told = Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Series:
    """A set of tags that questions are asked of. ``first`` is the id of its first tag."""

    site: str
    first: int
    paths: Sequence[str]
    until_us: int
    """When its samples end."""

    @property
    def end(self) -> int:
        return self.first + len(self.paths)


class Answering(Protocol):
    """What is asked."""

    name: str

    def last(self, series: Series) -> Told: ...

    def raw(self, series: Series, place: int, start_us: int, end_us: int) -> Told: ...

    def plot(self, series: Series, place: int, start_us: int, end_us: int, pixels: int) -> Told: ...

    def means(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told: ...

    def time_averages(
        self, series: Series, places: Sequence[int], start_us: int, end_us: int, step_us: int
    ) -> Told | None:
        """Weighted by time, each value holding until the next; None where that is not offered."""

    def at(self, series: Series, time_us: int) -> Told: ...

    def close(self) -> None: ...


class System(Answering, Protocol):
    """What is fed, and asked."""

    yes: str
    """What its yes to a sender means."""
    note: str
    """How it is set up and fed."""
    is_server: bool
    """Bodies are made beforehand then, while the clock stands still."""
    drops_repeated: bool
    """A sample that comes a second time is one row."""

    def prepared(self, block: Block, series: Series) -> object:
        """What ``put`` takes of a block."""

    def put(self, prepared: object) -> None: ...

    def flush(self) -> None:
        """Until all that was put is in files."""

    def rows(self) -> int | None:
        """How many rows it holds; None where that is not asked."""

    def settle(self) -> None:
        """Until the files are merged as far as the system does it, or its owner can."""

    def bytes(self) -> dict[str, int]:
        """What lies on disk, by what it is; ``samples`` is what is compared."""

    def memory_mb(self) -> float:
        """The highest that its process was."""


def folder_bytes(folder: Path) -> int:
    """What all files below a folder take: their sizes, holes not counted."""
    total = 0
    for path in folder.rglob("*"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file():
            total += min(stat.st_size, stat.st_blocks * 512)
    return total


def rest(
    folder: Path, cpu_s: Callable[[], float], seconds_max: float = 60.0, quiet_s: int = 1
) -> None:
    """Wait until, for so long, nothing in a folder changes and whoever works there is idle."""
    deadline, quiet = time.monotonic() + seconds_max, 0
    while quiet < quiet_s and time.monotonic() < deadline:
        size, used = folder_bytes(folder), cpu_s()
        time.sleep(1.0)
        idle = folder_bytes(folder) == size and cpu_s() - used < 0.05
        quiet = quiet + 1 if idle else 0


def own_memory_mb() -> float:
    """The highest that this process was: VmHWM of proc(5), which begins anew with each program."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def family_cpu_s() -> float:
    """Processor time of this process and of its children that live."""
    used = time.process_time()
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in task.read_text().split():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used
