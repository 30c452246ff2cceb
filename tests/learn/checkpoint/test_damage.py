"""Flipped bits, full disks, failing calls: told aloud, and the older checkpoint stays good."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.base.errors import NotFound, StorageError
from lianji.learn.checkpoint import Checkpointer, disk
from tests.faults.disks import small_tmpfs
from tests.learn.checkpoint.lives import is_whole, state_of
from tests.learn.checkpoint.states import same

FLIPS = int(os.environ.get("LIANJI_CHECKPOINT_FLIPS", "200"))
CALLS_MAX = 40


def saved(folder: Path, *steps: int, **options: Any) -> list[str]:
    with Checkpointer(folder, **options) as checkpointer:
        for step in steps:
            checkpointer.save(state_of(step), step).wait()
    return checkpointer.names()


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


@pytest.mark.timeout(120 + FLIPS)
@pytest.mark.parametrize("file", ["data", "manifest"])
def test_every_flipped_bit_is_found_and_the_older_is_taken(tmp_path: Path, file: str) -> None:
    _, newest = saved(tmp_path, 1, 2)
    path = tmp_path / newest / file
    seeded = random.Random(5)
    checkpointer = Checkpointer(tmp_path)
    bits = path.stat().st_size * 8
    for _ in range(FLIPS // 2):
        bit = seeded.randrange(bits)
        flip(path, bit)
        state, step = checkpointer.restore()
        assert step == 1, f"bit {bit} of {file} was not seen"
        assert is_whole(state, 1)
        flip(path, bit)
    assert checkpointer.restore()[1] == 2


def test_a_file_that_ends_early_or_is_gone_is_found(tmp_path: Path) -> None:
    _, newest = saved(tmp_path, 1, 2)
    data = tmp_path / newest / "data"
    os.truncate(data, data.stat().st_size - 4096)
    assert Checkpointer(tmp_path).restore()[1] == 1
    data.unlink()
    assert Checkpointer(tmp_path).restore()[1] == 1


def test_where_all_are_damaged_each_is_named(tmp_path: Path) -> None:
    names = saved(tmp_path, 1, 2)
    for name in names:
        flip(tmp_path / name / "manifest", 400)
    with pytest.raises(NotFound) as raised:
        Checkpointer(tmp_path).restore()
    assert all(name in raised.value.cause.en for name in names)


def test_after_a_fall_back_nothing_new_rests_on_what_is_damaged(tmp_path: Path) -> None:
    first, second = saved(tmp_path, 1, 2)
    with Checkpointer(tmp_path) as checkpointer:
        lent = [c for c in checkpointer.folder.manifest(second).chunks if c.owner == first]
        flip(tmp_path / first / "data", lent[0].start * 8)  # the frozen part
        with pytest.raises(NotFound):
            checkpointer.restore()
        checkpointer.save(state_of(3), 3).wait()
        assert is_whole(checkpointer.restore()[0], 3)
        found = checkpointer.verify()
    assert found[second] is not None
    assert found[checkpointer.names()[-1]] is None


class Failing:
    """Lets so many calls through and fails one."""

    def __init__(self, real: Callable[..., Any], number: int, error: int) -> None:
        self.real, self.left, self.error = real, number, error

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise OSError(self.error, os.strerror(self.error))
        return self.real(*arguments, **named)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["pwrite", "fsync", "rename", "open", "mkdir", "fstat"])
def test_any_call_may_fail_and_the_older_stays_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int
) -> None:
    failed = 0
    with Checkpointer(tmp_path, keep=1) as checkpointer:
        checkpointer.save(state_of(1), 1).wait()
        for number in range(1, CALLS_MAX):
            failing = Failing(getattr(os, call), number, error)
            monkeypatch.setattr(os, call, failing)
            good = checkpointer.names()[-1]
            pending = checkpointer.save(state_of(number + 1), number + 1)
            try:
                pending.wait()
            except StorageError as told:
                assert told.code == "checkpoint-save-failed"
                assert os.strerror(error) in told.cause.en
                failed += 1
            finally:
                checkpointer._saver.end()  # also what comes behind the yes: retention
                monkeypatch.undo()
            state, step = Checkpointer(tmp_path).restore()
            assert is_whole(state, step)
            assert step == number + 1 or (pending.error and good in checkpointer.names())
            if failing.left > 0:
                break
    assert number < CALLS_MAX - 1, "there are more calls than were made to fail"
    assert failed or call in ("mkdir", "fstat")
    assert Checkpointer(tmp_path).verify()[Checkpointer(tmp_path).names()[-1]] is None


def test_a_failure_is_told_by_the_next_save_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(tmp_path)
    monkeypatch.setattr(os, "fsync", Failing(os.fsync, 3, errno.EIO))
    pending = checkpointer.save({"a": 1}, 1)
    pending.settled("flash")
    monkeypatch.undo()
    assert not pending.reached("flash")
    with pytest.raises(StorageError, match="step 1"):
        checkpointer.save({"a": 2}, 2)
    checkpointer.save({"a": 3}, 3)
    checkpointer.close()
    assert [name.partition("-")[2] for name in checkpointer.names()] == ["step-3"]


def test_a_full_disk_is_told_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with (
        small_tmpfs(tmp_path / "disk", 8) as disk,
        Checkpointer(disk / "c", keep=1) as checkpointer,
    ):
        checkpointer.save(state_of(1), 1).wait()
        filler = disk / "filler"
        with pytest.raises(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 65536)
        with pytest.raises(StorageError) as raised:
            checkpointer.save(state_of(2), 2).wait()
        assert os.strerror(errno.ENOSPC) in raised.value.cause.en
        assert is_whole(checkpointer.restore()[0], 1)
        filler.unlink()
        checkpointer.save(state_of(3), 3).wait()
        assert is_whole(checkpointer.restore()[0], 3)


def test_a_disk_without_direct_writes_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def refusing(file: int, content: Any, at: int) -> int:
        import fcntl

        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(file, content, at)

    monkeypatch.setattr(os, "pwrite", refusing)
    saved(tmp_path, 1)
    assert is_whole(Checkpointer(tmp_path).restore()[0], 1)


def test_retention_keeps_what_the_staying_ones_refer_to(tmp_path: Path) -> None:
    names = saved(tmp_path, *range(1, 9), keep=2)
    assert len(names) == 2
    lender = tmp_path / "00000001-step-1"
    assert [entry.name for entry in lender.iterdir()] == ["data"]
    assert not (tmp_path / "00000003-step-3").exists()
    assert all(error is None for error in Checkpointer(tmp_path).verify().values())
    own = (tmp_path / names[-1] / "data").stat().st_size
    assert own < state_of(1)["moving"].nbytes + 65536, "the frozen part was written again"
    with Checkpointer(tmp_path, keep=2) as checkpointer:
        for step in (9, 10, 11):  # a new life that restored nothing rests on nothing
            checkpointer.save({"new": np.arange(step)}, step).wait()
    assert not lender.exists()


def test_a_damaged_one_does_not_count_as_kept(tmp_path: Path) -> None:
    _, newest = saved(tmp_path, 1, 2)
    flip(tmp_path / newest / "data", 77)
    with Checkpointer(tmp_path, keep=2) as checkpointer:
        assert checkpointer.restore()[1] == 1
        checkpointer.save(state_of(5), 5).wait()
    assert [name.partition("-")[2] for name in checkpointer.names()] == [
        "step-1",
        "step-2",
        "step-5",
    ]


@pytest.mark.parametrize("refused", [0, errno.EOPNOTSUPP, errno.ENOSPC])
def test_a_file_ends_behind_its_chunks_whatever_room_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """Room is taken ahead; frozen chunks then need none, and a file system may refuse."""
    if refused:
        monkeypatch.setattr(os, "posix_fallocate", Failing(os.posix_fallocate, 1, refused))
    monkeypatch.setattr(disk, "AHEAD_BYTES", 12 << 20)
    state = {name: np.random.default_rng(n).bytes(9 << 20) for n, name in enumerate("abc")}
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(state, 1).wait()
        state["b"] = bytes(9 << 20)
        checkpointer.save(state, 2).wait()
        sizes = [(tmp_path / name / "data").stat() for name in checkpointer.names()]
    assert [one.st_size for one in sizes] == [27 << 20, 9 << 20]
    assert all(one.st_blocks * 512 <= one.st_size + (1 << 20) for one in sizes), "room given back"
    assert same(Checkpointer(tmp_path).restore()[0], state)
