"""The tag table: ids are durable, never reused, and damage is found."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lianji.base.errors import InputError, NotFound, StorageError
from lianji.dictionary.tag_ids import TagIds


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plant" / "tags.ids"


def test_ids_are_line_numbers_from_zero_and_survive_reopening(file: Path) -> None:
    table = TagIds.open(file)
    ids = table.ids_of(["a/b", "a/c", "a/b"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [0, 1, 0]
    assert file.read_text() == "0\ta/b\n1\ta/c\n"
    again = TagIds.open(file)
    assert again.paths == ["a/b", "a/c"]
    assert again.ids_of(["厂/线", "a/c"]).tolist() == [2, 1]
    assert (again.find("a/b"), again.find("x"), again.path_of(2), again.count) == (
        0,
        None,
        "厂/线",
        3,
    )


def test_an_id_that_was_never_given_is_not_found(file: Path) -> None:
    table = TagIds.open(file)
    for tag in (-1, 0, 7):
        with pytest.raises(NotFound):
            table.path_of(tag)


def test_a_wrong_path_creates_nothing(file: Path) -> None:
    table = TagIds.open(file)
    for wrong in ("", "a//b", "a\tb", "a\nb", 'say "x"', "a;b", "\ud800"):
        with pytest.raises(InputError) as caught:
            table.ids_of(["good", wrong])
        assert caught.value.code == "tag-path-invalid"
    assert table.count == 0
    assert file.read_bytes() == b""


def test_a_line_cut_short_by_a_crash_is_cut_off_and_its_id_given_anew(file: Path) -> None:
    TagIds.open(file).ids_of(["a", "b"])
    for torn in (b"2", b"2\t", b"2\tc/long", "2\t温".encode()[:-1], b"\x00" * 4096):
        with file.open("ab") as tail:
            tail.write(torn)
        reader = TagIds.open(file, read_only=True)
        assert reader.paths == ["a", "b"]
        assert file.stat().st_size == 8 + len(torn), "a reader repairs nothing"
        assert TagIds.open(file).paths == ["a", "b"]
        assert file.read_bytes() == b"0\ta\n1\tb\n"
    assert TagIds.open(file).ids_of(["z"]).tolist() == [2]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"0\ta\n2\tb\n", 2),
        (b"0\ta\n1 b\n2\tc\n", 2),
        (b"0\ta\n1\t\n2\tc\n", 2),
        (b"0\ta\n1\tb\n2\ta\n", 3),
        (b"0\ta\n1\t\xff\xfe\n2\tc\n", 2),
        (b"0\ta\n\x00\x00\x00\x00\n2\tc\n", 2),
        (b"\n", 1),
        (b"0\ta\n\n1\tb\n", 2),
    ],
)
def test_damage_in_the_middle_is_refused_with_its_line(
    file: Path, content: bytes, line: int
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StorageError) as caught:
            TagIds.open(file, read_only=read_only)
        assert caught.value.code == "tag-ids-damaged"
        assert f"line {line} " in caught.value.cause.en
        assert f"第 {line} 行" in caught.value.cause.zh
    assert file.read_bytes() == content


def test_another_process_sees_new_lines_when_it_refreshes(file: Path) -> None:
    reader = TagIds.open(file, read_only=True)
    assert reader.count == 0
    writer = TagIds.open(file)
    writer.ids_of(["a"])
    reader.refresh()
    writer.ids_of(["b"])
    assert reader.paths == ["a"]
    reader.refresh()
    assert reader.ids_of(["b", "a"]).tolist() == [1, 0]
    with pytest.raises(StorageError) as caught:
        reader.ids_of(["c"])
    assert caught.value.code == "tag-ids-read-only"


def test_a_file_that_shrank_is_refused(file: Path) -> None:
    table = TagIds.open(file)
    table.ids_of(["a", "b"])
    os.truncate(file, 4)
    with pytest.raises(StorageError):
        table.refresh()
    with pytest.raises(StorageError):
        table.ids_of(["c"])


def test_two_writers_never_give_one_id_twice(file: Path) -> None:
    one, two = TagIds.open(file), TagIds.open(file)
    assert one.ids_of(["a"]).tolist() == [0]
    assert two.ids_of(["b", "a"]).tolist() == [1, 0]
    assert one.ids_of(["c", "b"]).tolist() == [2, 1]
    assert TagIds.open(file).paths == ["a", "b", "c"]


def test_threads_that_ask_for_the_same_paths_get_the_same_ids(file: Path) -> None:
    table = TagIds.open(file)
    paths = [f"m/{number}" for number in range(40)]
    answers: list[list[str]] = []

    def ask(shift: int) -> None:
        for start in range(40):
            mine = [paths[(start + shift + step) % 40] for step in range(5)]
            answers.append([table.path_of(tag) for tag in table.ids_of(mine)])
            assert answers[-1] == mine

    threads = [threading.Thread(target=ask, args=(shift,)) for shift in range(0, 40, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 * 40
    assert sorted(TagIds.open(file).paths) == sorted(paths)


def test_a_process_killed_at_once_has_kept_what_it_answered(file: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from lianji.dictionary.tag_ids import TagIds\n"
        "table = TagIds.open(pathlib.Path(sys.argv[1]))\n"
        "for number in range(1000):\n"
        "    table.ids_of([f'a/{number}'])\n"
        "    print(number, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(20)]
    child.kill()
    said += [int(line) for line in child.stdout.read().split(b"\n") if line]
    child.wait()
    child.stdout.close()
    table = TagIds.open(file)
    assert table.count > max(said)
    assert [table.find(f"a/{number}") for number in said] == said


def test_a_full_disk_gives_out_no_id(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TagIds.open(file)
    table.ids_of(["a"])

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(StorageError) as caught:
            table.ids_of(["b"])
    assert caught.value.code == "tag-ids-unwritable"
    assert table.find("b") is None
    assert table.ids_of(["c"]).tolist() == [1]
    assert file.read_text() == "0\ta\n1\tc\n"
