"""Errors speak two languages, files survive a cut, ids sort by time."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from lianji.base.clock import from_us, to_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import DeviceTimeout, InputError, LianjiError, NotFound, Text
from lianji.base.ids import new_id


def test_an_error_says_what_and_what_to_do_in_both_languages() -> None:
    error = NotFound(
        "plant-missing", Text("No plant.", "没有工厂。"), Text("Make one.", "请新建。")
    )
    assert str(error) == "No plant. Make one. [plant-missing]"
    assert error.cause.in_language("zh") == "没有工厂。"
    assert error.as_json()["remedy"] == {"en": "Make one.", "zh": "请新建。"}
    assert error.http_status == 404


def test_every_device_error_is_caught_as_one() -> None:
    with pytest.raises(LianjiError):
        raise DeviceTimeout("x", Text("a", "甲"), Text("b", "乙"))
    assert not issubclass(InputError, DeviceTimeout)


def test_moments_go_to_microseconds_and_back() -> None:
    moment = datetime(2026, 3, 1, 8, 0, 0, 123456, timezone(timedelta(hours=8)))
    assert to_us(moment) == 1_772_323_200_123_456
    assert from_us(to_us(moment)) == moment
    with pytest.raises(ValueError, match="zone"):
        to_us(moment.replace(tzinfo=None))
    assert to_us(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


def test_ids_sort_by_the_time_they_were_made_and_are_version_seven() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [i[:6] for i in ids] == sorted(i[:6] for i in ids)
    assert all(i[6] >> 4 == 7 and i[8] >> 6 == 2 for i in ids)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings"
    write_atomically(path, b"old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, b"new, and longer")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
