"""The plug is pulled: an ext4 disk is copied while a plant writes to it, and the copy is opened.

Unsynced files vanish from the copy and synced ones stay, as after a power cut.
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

import pytest

from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from tests.faults.conftest import problems_of_the_table, problems_when_opened
from tests.faults.disks import MEMORY, copied, mounted_image, new_image
from tests.faults.ledger import Ledger
from tests.peers import REPO, wait_until
from tests.system.plant import write_plant

pytestmark = pytest.mark.system

CUTS = int(os.environ.get("LIANJI_POWER_CUTS", "25"))
CUTS_A_LIFE = 5
SMALL_SPOOL = "segment_bytes = 65536\nkeep_h = 0\ncommit_ms = 2"
IMAGE_MIB = 96


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
        folder = write_plant(disk / "plant", flush_s=0.05, spool=SMALL_SPOOL)
        os.sync()
        for life in range(1, CUTS // CUTS_A_LIFE + 1):
            with writing(folder, path, life) as writer:
                for _ in range(CUTS_A_LIFE):
                    writer.wait_for(seeded.randint(1, 60))
                    writer.hold()
                    copied(memory / "image", memory / "copy")
                    ledger = Ledger.read(path)
                    with mounted_image(memory / "copy", memory / "after") as after:
                        check(after / "plant", ledger, f"cut {cuts}")
                    cuts += 1
                    writer.go_on()
    print(f"{cuts} cuts, {Ledger.read(path).samples} acknowledged samples")


def check(folder: Path, ledger: Ledger, told: str) -> None:
    assert problems_when_opened(folder, ledger) == [], told
    Plant(PlantFolder(folder)).close()  # opens, repairs, and makes files of what was only spooled
    assert problems_when_opened(folder, ledger) == [], told
    assert problems_of_the_table(folder, ledger) == [], told


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
