"""The plug is pulled: an ext4 disk is copied while a plant writes to it, and the copy is opened.

Unsynced files vanish from the copy and synced ones stay, as after a power cut. Meanwhile files are
merged, rolled up, moved to a tier below and vacuumed without a pause.
``LIANJI_POWER_CUTS`` sets how often (25).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest
from deltalake import DeltaTable

import lianji
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from tests.faults.conftest import problems_when_opened
from tests.faults.disks import MEMORY, copied, mounted_image, new_image
from tests.faults.ledger import START_US, Ledger
from tests.peers import REPO, wait_until
from tests.system.plant import write_plant

pytestmark = pytest.mark.system

CUTS = int(os.environ.get("LIANJI_POWER_CUTS", "25"))
CUTS_A_LIFE = 5
SMALL_SPOOL = "segment_bytes = 65536\nkeep_h = 0\ncommit_ms = 2"
IMAGE_MIB = 96
SLOW = "slow"
"""The folder of the tier below, on the same disk."""
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: copying an image there takes a few milliseconds."""
    if not MEMORY.is_dir():
        pytest.skip(f"there is no {MEMORY}")
    place = Path(tempfile.mkdtemp(dir=MEMORY, prefix="lianji-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Writer:
    """One life of ``tests.faults.lives`` that is held still while its disk is looked at."""

    def __init__(self, folder: Path, ledger: Path, life: int) -> None:
        command = [sys.executable, "-m", "tests.faults.lives", str(folder), str(ledger), str(life)]
        self._child = subprocess.Popen(command, cwd=REPO)
        self._ledger = ledger

    def wait_for(self, acknowledgements: int) -> None:
        wanted = self.acknowledged + acknowledgements
        wait_until(
            lambda: self.acknowledged >= wanted or self._child.poll() is not None,
            what="acknowledgements",
        )
        assert self._child.poll() is None

    @property
    def acknowledged(self) -> int:
        return len(Ledger.read(self._ledger).acknowledged)

    def hold(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()


@contextmanager
def writing(folder: Path, ledger: Path, life: int) -> Iterator[Writer]:
    writer = Writer(folder, ledger, life)
    try:
        yield writer
    finally:
        writer.kill()


@pytest.mark.timeout(120 + 10 * CUTS)
def test_what_was_acknowledged_survives_power_cuts(memory: Path) -> None:
    seeded = random.Random(11)
    path = memory / "ledger"
    cuts = 0
    with mounted_image(new_image(memory / "image", IMAGE_MIB), memory / "disk") as disk:
        tier = f'tiers = [{{after_days = 30, folder = "{disk / SLOW}"}}]'
        folder = write_plant(disk / "plant", flush_s=0.05, spool=SMALL_SPOOL, history=tier)
        os.sync()
        for life in range(1, CUTS // CUTS_A_LIFE + 1):
            with writing(folder, path, life) as writer:
                for _ in range(CUTS_A_LIFE):
                    writer.wait_for(seeded.randint(1, 60))
                    writer.hold()
                    copied(memory / "image", memory / "copy")
                    ledger = Ledger.read(path)
                    with mounted_image(memory / "copy", memory / "after") as after:
                        check_in_tiers(after / "plant", ledger, f"cut {cuts}")
                        done = what_upkeep_did(after / "plant")
                    cuts += 1
                    writer.go_on()
    print(f"{cuts} cuts, {Ledger.read(path).samples} acknowledged samples, versions {done}")
    assert all(done[name] > 0 for name in ("samples", "samples_1min", "samples_1h", "slow"))


def check(folder: Path, ledger: Ledger, told: str) -> None:
    assert problems_when_opened(folder, ledger) == [], told
    assert problems_of_the_rollups(folder, ledger) == [], told
    Plant(PlantFolder(folder)).close()  # opens, repairs, and makes files of what was only spooled
    assert problems_when_opened(folder, ledger) == [], told
    assert problems_of_the_rollups(folder, ledger) == [], told
    assert problems_of_the_tables(folder, ledger) == [], told


def check_in_tiers(folder: Path, ledger: Ledger, told: str) -> None:
    """The same of a copy: its tier lies on the copied disk, not on the one that is written to."""
    settings = folder / "lianji.toml"
    disk = folder.parent
    settings.write_text(settings.read_text().replace(str(disk.with_name("disk")), str(disk)))
    check(folder, ledger, told)


def problems_of_the_rollups(folder: Path, ledger: Ledger) -> list[str]:
    """Where minutes and hours count other than the samples do."""
    tags = sorted({sending.tag for sending in ledger.acknowledged})
    history = lianji.open(folder).history.exact
    start_us = START_US // HOUR_US * HOUR_US
    wrong = []
    for step_us in (MINUTE_US, HOUR_US):
        asked = (tags, start_us, start_us + HOUR_US, step_us, ["count", "sum"])
        rolled, counted = history.aggregate(*asked), history.aggregate(*asked, with_status=True)
        if rolled["count"].to_pylist() != counted["count"].to_pylist():
            wrong.append(f"counts in steps of {step_us} us are {rolled['count'].to_pylist()}")
        if not np.allclose(rolled["sum"].fill_null(0), counted["sum"].fill_null(0)):
            wrong.append(f"sums in steps of {step_us} us are {rolled['sum'].to_pylist()}")
    wrong += [error.cause.en for error in history.unreadable.values()]
    return wrong


def problems_of_the_tables(folder: Path, ledger: Ledger) -> list[str]:
    """What DuckDB misses, doubles or invents in the files of all tiers."""
    tables = [folder / "data" / "samples", folder.parent / SLOW]
    files = [
        file
        for table in tables
        if (table / "_delta_log").is_dir()
        for file in DeltaTable(table).file_uris()
    ]
    query = "select tag, epoch_us(time) as time, value, quality from read_parquet(?)"
    with duckdb.connect() as connection:
        return ledger.problems(connection.sql(query, params=[files]).to_arrow_table())


def what_upkeep_did(folder: Path) -> dict[str, int]:
    """The newest version of each table, which says how often it was committed to."""
    tables = {name: folder / "data" / name for name in ("samples", "samples_1min", "samples_1h")}
    tables["slow"] = folder.parent / SLOW
    return {
        name: DeltaTable(table).version()
        for name, table in tables.items()
        if (table / "_delta_log").is_dir()
    }


@pytest.mark.timeout(300)
def test_the_test_itself_sees_what_is_not_synced(memory: Path) -> None:
    """If an unsynced file were in the copy, the test above would prove nothing."""
    with mounted_image(new_image(memory / "image", 32), memory / "disk") as disk:
        (disk / "synced").write_bytes(b"here")
        os.sync()
        (disk / "not-synced").write_bytes(b"here" * 1000)
        copied(memory / "image", memory / "copy")
        with mounted_image(memory / "copy", memory / "after") as after:
            assert (after / "synced").read_bytes() == b"here"
            assert not (after / "not-synced").exists()
