"""Small disks of a test's own: a tmpfs to fill, an ext4 image to pull the plug of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.peers import command

MEMORY = Path("/dev/shm")


def _mount(*arguments: str) -> None:
    """Mount, or skip the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("mounting a disk of its own takes root")
    program = command("mount")
    assert program is not None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk may be mounted here: {done.stderr.strip()}")


def _unmount(place: Path) -> None:
    program = command("umount")
    assert program is not None
    subprocess.run([program, "--lazy", str(place)], check=True)


@contextmanager
def small_tmpfs(place: Path, mib: int) -> Iterator[Path]:
    """A disk of so many mebibytes in memory."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={mib}m", "none", str(place))
    try:
        yield place
    finally:
        _unmount(place)


def new_image(path: Path, mib: int) -> Path:
    """The image of an empty ext4 disk."""
    program = command("mkfs.ext4")
    if program is None:
        pytest.skip("mkfs.ext4 is not here (apt-get install e2fsprogs)")
    with path.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run([program, "-q", "-F", str(path)], check=True)
    return path


@contextmanager
def mounted_image(image: Path, place: Path) -> Iterator[Path]:
    """An ext4 image as a disk. What is written lands in the image when it is synced, or later."""
    place.mkdir(exist_ok=True)
    _mount("-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        _unmount(place)


def copied(image: Path, copy: Path) -> Path:
    """What a power cut at this moment would leave: the image without the page cache above it."""
    shutil.copyfile(image, copy)
    return copy
