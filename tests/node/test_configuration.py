"""What is wrong in a plant's files is named, and keeps nothing else from working."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError, NotFound
from lianji.connect.driver import Found
from lianji.node.browsed import tags_of
from lianji.node.configuration import Configuration, load_configuration
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from tests.system.plant import write_device, write_plant, write_tags


def loaded(root: Path) -> Configuration:
    return load_configuration(PlantFolder(root))


def causes(configuration: Configuration) -> list[str]:
    return [problem.cause.en for problem in configuration.problems]


def test_a_folder_without_a_plant_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="lianji init"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[site\n", "not TOML"),
        ('[site]\nname = "a/b"\n', "no '/'"),
        ('[site]\ntime_zone = "Mars/Base"\n', "Mars/Base"),
        ("[web]\nport = 70000\n", "port"),
        ("[wob]\n", "wob"),
        ("[spool]\nfull = 'never'\n", "full"),
    ],
)
def test_wrong_settings_name_the_file_and_the_field(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "lianji.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(tmp_path)
    assert "lianji.toml" in caught.value.cause.en and word in caught.value.cause.en
    assert caught.value.cause.zh and caught.value.remedy.zh


def test_settings_saved_by_a_windows_editor_are_read(tmp_path: Path) -> None:
    (tmp_path / "lianji.toml").write_bytes(b'\xef\xbb\xbf[site]\r\nname = "w"\r\n')
    assert load_settings(tmp_path).site.name == "w"


def test_a_path_in_two_tables_belongs_to_the_first(tmp_path: Path) -> None:
    write_plant(tmp_path)
    write_device(tmp_path, "a", "modbus", host="h")
    write_device(tmp_path, "b", "modbus", host="h")
    write_tags(tmp_path, "a", "p/x,hr:1,uint16")
    write_tags(tmp_path, "b", "p/x,hr:2,uint16", "p/y,hr:3,uint16")
    found = loaded(tmp_path)
    assert (found.tags["p/x"].device, found.tags["p/y"].device) == ("a", "b")
    [cause] = causes(found)
    assert "b.csv" in cause and "p/x" in cause


def test_tags_of_a_device_that_is_not_there_are_counted(tmp_path: Path) -> None:
    write_plant(tmp_path)
    write_tags(tmp_path, "ghost", "p/x,hr:1,uint16", "p/y,hr:2,uint16")
    [cause] = causes(loaded(tmp_path))
    assert "2 tags" in cause and "ghost" in cause


def test_tags_of_a_device_whose_file_is_wrong_are_not_called_lost(tmp_path: Path) -> None:
    write_plant(tmp_path)
    write_device(tmp_path, "a", "modbus", host="h", colour="red")
    write_tags(tmp_path, "a", "p/x,hr:1,uint16")
    [cause] = causes(loaded(tmp_path))
    assert "a.toml" in cause and "colour" in cause


def test_a_table_that_is_no_table_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    write_plant(tmp_path)
    write_device(tmp_path, "a", "modbus", host="h")
    write_tags(tmp_path, "a", "p/x,hr:1,uint16")
    (tmp_path / "tags" / "broken.csv").write_bytes(b"\xff\xfe\x00garbage")
    (tmp_path / "tags" / "columns.csv").write_text("pfad;adresse\n")
    found = loaded(tmp_path)
    assert set(found.tags) == {"p/x"}
    assert len(found.problems) == 2
    assert any("broken.csv" in cause for cause in causes(found))


def test_what_a_device_offers_becomes_tags_of_sound_and_different_names() -> None:
    found = [
        Found(address="1", name="Zone 1/Temp, °C", unit="Cel"),
        Found(address="2", name="Zone 1/Temp, °C", unit="degrees centigrade"),
        Found(address="3", name='"\\'),
        Found(address="4", name=""),
    ]
    tags = tags_of(found, "p/d", "d")
    assert len({tag.path for tag in tags}) == 4
    assert [tag.unit for tag in tags] == ["Cel", "", "", ""]
    assert all(tag.path.startswith("p/d/") and tag.device == "d" for tag in tags)
