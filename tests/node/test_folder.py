"""A plant's folder and the word of who runs it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from lianji.base.errors import InputError
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from lianji.spool.spool import Spool


def test_a_new_plant_can_be_loaded_and_is_not_made_twice(tmp_path: Path) -> None:
    folder = PlantFolder(tmp_path / "a" / "b")
    folder.create("works", 8460)
    assert load_settings(folder.root).site.name == "works"
    assert tomllib.loads(folder.settings.read_text())["spool"]["full"] == "drop_oldest"
    with pytest.raises(InputError, match="already"):
        folder.create("works", 8460)


def test_who_runs_is_told_and_forgotten(tmp_path: Path) -> None:
    folder = PlantFolder(tmp_path)
    folder.data.mkdir()
    assert folder.running() is None
    told = folder.tell_running("0.0.0.0", 8460)
    assert folder.running() is None
    with Spool(folder.spool):
        assert folder.running() == told
    assert told.pid == os.getpid()
    assert told.address == "http://127.0.0.1:8460"
    folder.tell_ended()
    assert folder.running() is None
    folder.tell_ended()


@pytest.mark.parametrize("left", ["", "{", "[]", '{"pid": 1}', '{"a": 2}'])
def test_what_is_no_word_of_a_running_process_is_not_believed(tmp_path: Path, left: str) -> None:
    folder = PlantFolder(tmp_path)
    folder.data.mkdir()
    (folder.data / "running.json").write_text(left)
    assert folder.running() is None


def test_the_word_of_a_killed_process_is_not_believed_even_if_its_number_lives(
    tmp_path: Path,
) -> None:
    folder = PlantFolder(tmp_path)
    with Spool(folder.spool):
        pass
    text = f'{{"pid": {os.getpid()}, "host": "127.0.0.1", "port": 1}}'
    (folder.data / "running.json").write_text(text)
    assert folder.running() is None
