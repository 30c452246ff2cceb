"""A machine of a form and the files that say the same."""

from __future__ import annotations

import pytest

from lianji.base.errors import InputError
from lianji.dictionary.tag_table import read_table
from lianji.node.connecting.files import change_for, config_in, removal_of, shown_fields
from lianji.web.machines import Machine, TagRow

DEVICE = b'# the big press\nprotocol = "modbus"\nhost = "10.0.0.5"  # by the door\n'
TABLE = (
    b"device,path,address,type,low,high,description_zh\n"
    b"press,p/press/a,hr:0,uint16,0,100,\xe7\x83\xad\n"
    b"other,p/other/b,hr:0,uint16,,,\n"
)
FILES = {"devices/press.toml": DEVICE, "tags/hall.csv": TABLE}


def press(*rows: TagRow, **fields: object) -> Machine:
    return Machine(
        name="press", protocol="modbus", fields={"host": "10.0.0.5", **fields}, tags=list(rows)
    )


A = TagRow(path="p/press/a", address="hr:0", type="uint16", description_zh="热")
B = TagRow(path="p/press/b", address="hr:1", type="uint16")


def test_a_machine_that_is_the_same_changes_no_file() -> None:
    assert change_for(FILES, press(A)) == {}
    assert change_for(FILES, press(A).model_copy(update={"tags": None})) == {}


def test_comments_of_a_devices_file_stay() -> None:
    content = change_for(FILES, press(A, unit_id=3))["devices/press.toml"]
    assert content is not None
    assert b"# the big press" in content and b"# by the door" in content
    assert b"unit_id = 3" in content


def test_a_tag_stays_in_its_table_and_keeps_what_the_form_does_not_show() -> None:
    change = change_for(FILES, press(A.model_copy(update={"address": "hr:9"}), B))
    assert sorted(change) == ["tags/hall.csv", "tags/press.csv"]
    hall = read_table(change["tags/hall.csv"] or b"").tags
    assert [(t.path, t.address, t.low, t.high) for t in hall] == [
        ("p/press/a", "hr:9", 0, 100),
        ("p/other/b", "hr:0", None, None),
    ]
    assert [t.path for t in read_table(change["tags/press.csv"] or b"").tags] == ["p/press/b"]


def test_a_removed_machine_takes_its_tags_and_no_other_along() -> None:
    change = removal_of(FILES, "press")
    assert change["devices/press.toml"] is None
    assert [t.path for t in read_table(change["tags/hall.csv"] or b"").tags] == ["p/other/b"]
    alone = {**FILES, "tags/hall.csv": TABLE.split(b"other")[0]}
    assert removal_of(alone, "press")["tags/hall.csv"] is None


def test_a_table_with_wrong_rows_is_not_rewritten() -> None:
    files = {**FILES, "tags/hall.csv": TABLE + b"press,p//x,hr:1,uint16,,,\n"}
    with pytest.raises(InputError, match="1 wrong rows, which rewriting it would lose"):
        removal_of(files, "press")


def test_a_path_given_twice_names_its_row() -> None:
    with pytest.raises(InputError, match=r"Row 2, p/press/a: the path p/press/a is there twice"):
        change_for(FILES, press(A, A))


def test_a_secret_is_hidden_and_stays_when_it_comes_back_hidden() -> None:
    files = {"devices/b.toml": b'protocol = "mqtt"\nhost = "b"\nusername = "u"\npassword = "s"\n'}
    sent = {"host": "b", "username": "u", "password": "***"}
    config = config_in(files, Machine(name="b", protocol="mqtt", fields=sent))
    assert config.model_dump()["password"] == "s"
    assert shown_fields(config)["password"] == "***"
    emptied = config_in(files, Machine(name="b", protocol="mqtt", fields={**sent, "password": ""}))
    assert shown_fields(emptied)["password"] == ""


@pytest.mark.parametrize("name", ["../x", "", ".x", "a/b", "x\n"])
def test_a_name_that_is_no_file_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a device"):
        change_for(FILES, Machine(name=name, protocol="modbus", fields={"host": "x"}))
