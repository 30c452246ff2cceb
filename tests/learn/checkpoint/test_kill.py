"""kill -9 and power cuts: what was said to be durable is there, whole, and never goes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks import MEMORY, copied, mounted_image, new_image
from tests.learn.checkpoint.lives import check, last_told
from tests.peers import wait_until

REPO = Path(__file__).parents[3]
KILLS = int(os.environ.get("LIANJI_CHECKPOINT_KILLS", "100"))
CUTS = int(os.environ.get("LIANJI_CHECKPOINT_CUTS", "10"))
IMAGE_MIB = 64


@pytest.mark.timeout(120 + KILLS)
def test_kills_lose_nothing_that_was_told(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "checkpoints"), str(tmp_path / "ledger"), str(KILLS), "3"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.learn.checkpoint.lives", *arguments],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert last_told(tmp_path / "ledger") > KILLS / 10, "too few saves for the kills to meet any"


@pytest.fixture
def memory() -> Iterator[Path]:
    if not MEMORY.is_dir():
        pytest.skip(f"there is no {MEMORY}")
    place = Path(tempfile.mkdtemp(dir=MEMORY, prefix="lianji-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.timeout(120 + 10 * CUTS)
def test_power_cuts_lose_nothing_that_was_told(memory: Path) -> None:
    ledger = memory / "ledger"
    with mounted_image(new_image(memory / "image", IMAGE_MIB), memory / "disk") as disk:
        command = ["tests.learn.checkpoint.lives", str(disk / "checkpoints"), str(ledger)]
        child = subprocess.Popen([sys.executable, "-m", *command], cwd=REPO)
        try:
            for _ in range(CUTS):
                wanted = last_told(ledger) + 3
                wait_until(lambda wanted=wanted: last_told(ledger) >= wanted, timeout_s=60)
                child.send_signal(signal.SIGSTOP)
                copied(memory / "image", memory / "copy")
                with mounted_image(memory / "copy", memory / "after") as after:
                    assert check(after / "checkpoints", ledger) > 0
                child.send_signal(signal.SIGCONT)
            assert child.poll() is None
        finally:
            child.kill()
            child.wait()
