"""A table comes in beside others: nothing is lost, nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lianji.base.errors import NotFound
from lianji.cli.main import app
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, write_table
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder
from lianji.node.tag_tables import import_table


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    made = PlantFolder(tmp_path / "plant")
    made.create("plant", 0)
    write_table([Tag(path="plant/a", unit="V"), Tag(path="plant/b")], made.tags / "one.csv")
    return made


def test_new_tags_get_a_table_of_the_files_name(folder: PlantFolder, tmp_path: Path) -> None:
    write_table([Tag(path="plant/c")], tmp_path / "two.csv")
    report = import_table(folder, tmp_path / "two.csv")
    assert (report.added, report.rejected) == (1, [])
    assert set(load_tags(folder).tags) == {"plant/a", "plant/b", "plant/c"}


def test_a_tag_of_another_table_is_refused_and_the_others_are_taken(
    folder: PlantFolder, tmp_path: Path
) -> None:
    write_table([Tag(path="plant/a", unit="A"), Tag(path="plant/c")], tmp_path / "two.csv")
    report = import_table(folder, tmp_path / "two.csv")
    assert report.added == 1
    assert [(r.path, "one.csv" in r.reason.en) for r in report.rejected] == [("plant/a", True)]
    assert load_tags(folder).tags["plant/a"].unit == "V"


def test_what_was_exported_and_edited_comes_back_where_it_was(
    folder: PlantFolder, tmp_path: Path
) -> None:
    tags = [Tag(path="plant/a", unit="A"), Tag(path="plant/b"), Tag(path="plant/new")]
    write_table(tags, tmp_path / "all.csv")
    trial = import_table(folder, tmp_path / "all.csv", replace=True, dry_run=True)
    assert load_tags(folder).tags["plant/a"].unit == "V"
    report = import_table(folder, tmp_path / "all.csv", replace=True)
    assert (trial.added, trial.replaced) == (report.added, report.replaced) == (1, 2)
    assert [tag.unit for tag in read_table(folder.tags / "one.csv").tags] == ["A", ""]
    assert [tag.path for tag in read_table(folder.tags / "all.csv").tags] == ["plant/new"]
    assert load_tags(folder).problems == []


def test_where_there_is_no_plant_nothing_is_written(tmp_path: Path) -> None:
    write_table([Tag(path="plant/a")], tmp_path / "one.csv")
    with pytest.raises(NotFound):
        import_table(PlantFolder(tmp_path / "nowhere"), tmp_path / "one.csv")
    assert not (tmp_path / "nowhere").exists()


def test_a_table_of_another_program_is_taken_by_the_command_line_too(
    folder: PlantFolder, tmp_path: Path
) -> None:
    file = tmp_path / "press.csv"
    file.write_text("Tag Name,Address,Data Type\nOil.Temp,40001,Float\nX,DB1,Word\n")
    command = ["tag", "import", str(file), "--plant", str(folder.root), "--below", "plant/hall"]
    done = CliRunner().invoke(app, [*command, "--order", "ABCD"])
    assert done.exit_code == 1 and "no Modbus address" in done.output
    tag = load_tags(folder).tags["plant/hall/press/Oil/Temp"]
    assert (tag.device, tag.address, tag.type) == ("press", "400001", "float32")
