"""Flipped bits and lost ends of the spool's files: never silent, and no healthy record is lost.

``LIANJI_BIT_FLIPS`` sets how many cases (400 by default, half of them truncations).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.spool.entry import Entry
from lianji.spool.record import Gap, Record, scan
from lianji.spool.segment import HEAD_BYTES, list_segments
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool
from tests.faults.ledger import START_US
from tests.system.plant import FOREVER, write_plant

CASES = int(os.environ.get("LIANJI_BIT_FLIPS", "400"))
BATCHES = 60
SETTINGS = SpoolSettings(commit_ms=0, segment_bytes=64 * 1024)


@dataclass(frozen=True)
class Healthy:
    """A spool as it was before the fault: its files, and where each record lies."""

    folder: Path
    files: dict[str, bytes]
    records: dict[str, list[tuple[int, int, int, bool]]]
    """By segment: start, end, sequence, and whether it is a batch."""

    @property
    def sequences(self) -> set[int]:
        return {s for found in self.records.values() for _, _, s, batch in found if batch}


def build(folder: Path) -> Healthy:
    """Sixty batches over several segments."""
    noise = np.random.default_rng(5)
    with Spool(folder, SETTINGS, lambda tag: f"p/tag-{tag}") as spool:
        spool.reader("history")
        for number in range(BATCHES):
            rows = int(noise.integers(1, 800))
            tags = noise.integers(0, 50, rows)
            spool.put(Batch.of(tags, START_US + number, noise.random(rows))).result(10)
    files = {s.path.name: s.path.read_bytes() for s in list_segments(folder)}
    return Healthy(folder, files, {name: list(_places(data)) for name, data in files.items()})


def _places(data: bytes) -> Iterator[tuple[int, int, int, bool]]:
    for offset, item in scan(memoryview(data), HEAD_BYTES):
        assert isinstance(item, Record)
        yield offset, offset + len(item.raw), item.sequence, item.is_batch


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    built = build(tmp_path_factory.mktemp("spool"))
    assert len(built.files) >= 3
    return built


def read_all(folder: Path) -> tuple[list[int], list[Gap], int]:
    """Sequences of the batches, gaps, and how many damages were set aside; the spool goes on."""
    with Spool(folder, SETTINGS, lambda tag: f"p/tag-{tag}") as spool:
        reader = spool.reader("history")
        entries: list[Entry] = []
        while got := reader.read():
            entries += got
        appended = spool.put(Batch.of([1], START_US, [1.0])).result(10)
        while got := reader.read():
            entries += got
        set_aside = len(spool.quarantine.list())
    batches = [e.sequence for e in entries if isinstance(e.content, Batch)]
    assert batches.pop() == appended
    return batches, [e.content for e in entries if isinstance(e.content, Gap)], set_aside


def restore(healthy: Healthy, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(healthy.folder, folder)


def test_a_flipped_bit_costs_at_most_its_own_record_and_is_never_silent(
    healthy: Healthy, tmp_path: Path
) -> None:
    seeded = random.Random(7)
    names = sorted(healthy.files)
    weights = [len(healthy.files[name]) for name in names]
    for case in range(CASES // 2):
        restore(healthy, tmp_path / "spool")
        name = seeded.choices(names, weights)[0]
        data = bytearray(healthy.files[name])
        near_head = case % 10 == 0
        bit = seeded.randrange(HEAD_BYTES * 8 if near_head else len(data) * 8)
        data[bit // 8] ^= 1 << bit % 8
        (tmp_path / "spool" / name).write_bytes(data)
        told = f"case {case}: bit {bit} of {name}"
        hit = {
            sequence
            for start, end, sequence, batch in healthy.records[name]
            if batch and start <= bit // 8 < end
        }
        batches, _, set_aside = read_all(tmp_path / "spool")
        assert batches == sorted(healthy.sequences - hit), told
        assert set_aside >= 1, told


def test_a_lost_end_costs_only_what_was_cut_and_is_never_silent(
    healthy: Healthy, tmp_path: Path
) -> None:
    seeded = random.Random(8)
    names = sorted(healthy.files)
    for case in range(CASES // 2):
        restore(healthy, tmp_path / "spool")
        name = seeded.choice(names)
        places = healthy.records[name]
        ends = [HEAD_BYTES, *(end for _, end, _, _ in places[:-1])]
        at_border = case % 5 == 0
        keep = seeded.choice(ends) if at_border else seeded.randrange(len(healthy.files[name]))
        os.truncate(tmp_path / "spool" / name, keep)
        told = f"case {case}: {name} cut to {keep} bytes"
        lost = {sequence for _, end, sequence, batch in places if batch and end > keep}
        batches, gaps, set_aside = read_all(tmp_path / "spool")
        assert batches == sorted(healthy.sequences - lost), told
        # the newest segment cut between two records is as if they had never been written
        unknowable = name == names[-1] and (keep in ends or keep <= HEAD_BYTES)
        assert set_aside or gaps or unknowable, told


def test_a_lost_end_that_a_reader_has_had_makes_no_number_be_used_twice(
    healthy: Healthy, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    restore(healthy, folder)
    with Spool(folder, SETTINGS) as spool:
        reader = spool.reader("history")
        while reader.read():
            pass
        reader.commit(reader.cursor)
    newest = sorted(healthy.files)[-1]
    data = bytearray(healthy.files[newest])
    data[-1] ^= 1
    (folder / newest).write_bytes(data)
    with Spool(folder, SETTINGS) as spool:
        assert spool.put(Batch.of([1], START_US, [7.0])).result(10) > max(healthy.sequences)
        entries = spool.reader("history").read()
        assert [e.content.tags.tolist() for e in entries if isinstance(e.content, Batch)] == [[1]]
        assert any(isinstance(e.content, Gap) for e in entries)
        assert spool.status().gaps == 2, "the end that was cut, and the numbers that are gone"


@pytest.mark.parametrize("where", [0, 8, 30, 40, 700, -1])
async def test_a_plant_opens_over_a_damaged_spool_and_says_so(tmp_path: Path, where: int) -> None:
    folder = PlantFolder(write_plant(tmp_path / "plant", flush_s=3600))
    times_us = START_US + np.arange(500)
    plant = Plant(folder)
    for number in range(10):
        index, values = np.zeros(500, np.int32), np.full(500, float(number))
        await plant.append(["p/a"], index, times_us + 500 * number, values, None, None, "test")
    plant.spool.close()  # as a crash would leave it: nothing is flushed
    [segment] = list_segments(folder.spool)
    data = bytearray(segment.path.read_bytes())
    data[where] ^= 0x10
    segment.path.write_bytes(data)
    plant = Plant(folder)
    try:
        found = plant.history.read(["p/a"], *FOREVER)
        assert len(found) >= 4500
        status = plant.status()
        assert status.spool.quarantined == 1
        index = np.zeros(1, np.int32)
        await plant.append(["p/a"], index, times_us[:1] - 1, np.ones(1), None, None, "test")
        assert len(plant.history.read(["p/a"], *FOREVER)) == len(found) + 1
    finally:
        plant.close()
