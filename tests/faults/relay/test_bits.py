"""Flipped bits and lost ends in an edge's spool between two of its lives: the hub gets every
healthy record once, and a gap for what was damaged.

``LIANJI_BIT_FLIPS`` sets how many cases (400), half of them lost ends.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.relay import uplink
from lianji.spool.record import Gap, Record, scan
from lianji.spool.segment import HEAD_BYTES, list_segments
from lianji.spool.settings import SpoolSettings
from tests.relay.world import START_US, Edge, Hub

CASES = int(os.environ.get("LIANJI_BIT_FLIPS", "400"))
AT_ONCE = 6
BATCHES = 60
ROWS = 120
NOISE_ROWS = 400
SETTINGS = SpoolSettings(commit_ms=0, segment_bytes=64 * 1024)


@dataclass(frozen=True)
class Place:
    start: int
    end: int
    sequence: int
    is_batch: bool


@dataclass(frozen=True)
class Healthy:
    """An edge's folder as it was before the fault, and where each record lies."""

    folder: Path
    files: dict[str, bytes]
    places: dict[str, list[Place]]
    numbers: dict[int, set[int]]
    """By sequence: what its record holds."""


def build(folder: Path, hub: Hub) -> Healthy:
    edge = Edge(folder, hub, settings=SETTINGS)
    seeded = random.Random(3)
    numbers = {}
    for _ in range(BATCHES):
        first, rows = edge.sent, seeded.randint(1, ROWS)
        numbers[edge.put(rows)] = set(range(first, first + rows))
        edge.spool.put(noise(edge, seeded)).result(10)
    edge.close()
    files = {s.path.name: s.path.read_bytes() for s in list_segments(folder / "spool")}
    assert len(files) >= 3
    return Healthy(folder, files, {n: list(places(d)) for n, d in files.items()}, numbers)


def noise(edge: Edge, seeded: random.Random) -> Batch:
    """Samples that do not squeeze, so that there are several segments."""
    times_us = range(START_US - NOISE_ROWS, START_US)
    values = [seeded.random() for _ in times_us]
    ids = edge.names.ids_of(["plant/noise"] * NOISE_ROWS)
    return Batch.of(ids, list(times_us), values, origin="device/noise")


def places(data: bytes) -> Iterator[Place]:
    for offset, item in scan(memoryview(data), HEAD_BYTES):
        assert isinstance(item, Record)
        batch = item.is_batch
        yield Place(offset, offset + len(item.raw), item.sequence, batch)


Damage = Callable[[random.Random, Healthy, Path, int], tuple[str, set[int], bool]]
"""Does it to a spool's folder; tells what it did, which sequences it hit, whether one can know."""


@dataclass
class Outcome:
    """What the hub has of one edge."""

    numbers: list[int]
    gaps: list[Gap]


class Case:
    """One edge with a name of its own, whose spool is a copy that is damaged; in one of four it has
    relayed all of it before."""

    def __init__(self, hub: Hub, healthy: Healthy, folder: Path, number: int) -> None:
        self.number = number
        self.name = f"e{number}"
        self.told = ""
        self.lost: set[int] = set()
        self.is_knowable = True
        self._folder = folder / self.name
        self._healthy = healthy
        self._hub = hub

    def live(self, damage: Damage) -> None:
        shutil.copytree(self._healthy.folder, self._folder)
        had_all = self.number % 4 == 3
        if had_all:
            with self._running() as edge:
                edge.wait(60)
        seeded, spool = random.Random(self.number), self._folder / "spool"
        self.told, lost, self.is_knowable = damage(seeded, self._healthy, spool, self.number)
        self.lost = set() if had_all else lost
        with self._running() as edge:
            edge.sent = 1_000_000
            edge.put(1)
            edge.wait(60)
            edge.put(1)  # what was found damaged on the way is told with what comes next
            edge.wait(60)
            assert not edge.uplink.status().parted
        shutil.rmtree(self._folder)

    @contextmanager
    def _running(self) -> Iterator[Edge]:
        edge = Edge(self._folder, self._hub, self.name, settings=SETTINGS)
        try:
            edge.start()
            yield edge
        finally:
            edge.close()


def of_all(hub: Hub, cases: int) -> dict[str, Outcome]:
    """What the hub's spool has, by edge."""
    found = {f"e{n}": Outcome([], []) for n in range(cases)}
    for entry in hub.spool.after(0):
        edge = entry.content.sources[-1].edge
        if isinstance(entry.content, Gap):
            found[edge].gaps.append(entry.content)
            continue
        own = hub.names.ids_of([f"{edge}/plant/line/value", f"{edge}/line/value"])
        values = entry.content.samples.column("value").to_numpy(zero_copy_only=False)
        found[edge].numbers += values[np.isin(entry.content.tags, own)].astype(int).tolist()
    return found


def flip(
    seeded: random.Random, healthy: Healthy, spool: Path, case: int
) -> tuple[str, set[int], bool]:
    names = sorted(healthy.files)
    name = seeded.choices(names, [len(healthy.files[n]) for n in names])[0]
    data = bytearray(healthy.files[name])
    bit = seeded.randrange(HEAD_BYTES * 8 if case % 10 == 0 else len(data) * 8)
    data[bit // 8] ^= 1 << bit % 8
    (spool / name).write_bytes(data)
    hit = {p.sequence for p in healthy.places[name] if p.is_batch and p.start <= bit // 8 < p.end}
    return f"bit {bit} of {name}", hit, True


def cut(
    seeded: random.Random, healthy: Healthy, spool: Path, case: int
) -> tuple[str, set[int], bool]:
    names = sorted(healthy.files)
    name = seeded.choice(names)
    found = healthy.places[name]
    ends = [HEAD_BYTES, *(p.end for p in found[:-1])]
    keep = seeded.choice(ends) if case % 5 == 0 else seeded.randrange(len(healthy.files[name]))
    os.truncate(spool / name, keep)
    lost = {p.sequence for p in found if p.is_batch and p.end > keep}
    # the newest segment cut between two records is as if they had never been written
    unknowable = name == names[-1] and (keep in ends or keep <= HEAD_BYTES)
    return f"{name} cut to {keep} bytes", lost, not unknowable


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05, 0.2))


@pytest.mark.timeout(240 + CASES)
@pytest.mark.parametrize("damage", [flip, cut])
def test_the_hub_gets_every_healthy_record_once_and_a_gap_for_the_rest(
    tmp_path: Path, damage: Damage
) -> None:
    hub = Hub(tmp_path / "hub")
    healthy = build(tmp_path / "healthy", hub)
    cases = [Case(hub, healthy, tmp_path, number) for number in range(CASES // 2)]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda case: case.live(damage), cases))
        found = of_all(hub, len(cases))
    finally:
        hub.close()
    for case in cases:
        outcome, said = found[case.name], f"case {case.number}: {case.told}"
        kept = [numbers for s, numbers in healthy.numbers.items() if s not in case.lost]
        wanted = sorted([1_000_000, 1_000_001, *(n for some in kept for n in some)])
        assert sorted(outcome.numbers) == wanted, said
        if case.lost and case.is_knowable:
            assert outcome.gaps, said
