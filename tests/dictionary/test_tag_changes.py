"""The difference of two tables, the bulk edit, and the tables that follow."""

from __future__ import annotations

import time

import pytest

from lianji.base.errors import InputError
from lianji.dictionary.tag import Kind, Tag
from lianji.dictionary.tag_changes import Difference, difference, rewritten
from lianji.dictionary.tag_edit import Edit, Rename, Replace, edited
from lianji.dictionary.tag_table import Rejected, read_table, table_bytes

TAGS = {
    tag.path: tag
    for tag in (
        Tag(path="shop/hall1/press/power", device="p1", unit="kW", low=0, high=75),
        Tag(path="shop/hall1/press/state", device="p1", kind=Kind.STEP),
        Tag(path="shop/hall2/oven/temperature", device="o1", unit="Cel", description_en="old oven"),
    )
}


def edit(chosen: list[str] | None = None, **what: object) -> tuple[Difference, list[Rejected]]:
    paths = list(TAGS) if chosen is None else chosen
    return edited(TAGS, paths, Edit.model_validate(what))


def test_the_difference_names_what_comes_goes_and_changes() -> None:
    power, state, oven = TAGS.values()
    new = [Tag(path="shop/new"), Tag(path=power.path, device="p1", unit="MW"), oven]
    found = difference(TAGS, new, removable=[power.path, state.path])
    assert [tag.path for tag in found.added] == ["shop/new"]
    assert [entry.columns for entry in found.changed] == [["unit", "low", "high"]]
    assert found.removed == [state]
    assert found.unchanged == 1


def test_tags_of_other_tables_stay_where_they_are() -> None:
    assert difference(TAGS, []).is_empty


def test_a_hundred_thousand_rows_take_less_than_a_second() -> None:
    old = {f"a/{n}": Tag(path=f"a/{n}", unit="kW") for n in range(100_000)}
    new = [Tag(path=f"a/{n}", unit="kW" if n % 2 else "MW") for n in range(50, 100_050)]
    began_s = time.thread_time()  # of our own work, whatever else the machine does
    found = difference(old, new, removable=old)
    assert time.thread_time() - began_s < 1
    assert (len(found.added), len(found.removed)) == (50, 50)
    assert len(found.changed) + found.unchanged == 99_950


def test_cells_are_set_and_emptied() -> None:
    found, rejected = edit([*TAGS][:1], set={"unit": "MW", "high": "", "kind": "step"})
    assert rejected == []
    [entry] = found.changed
    assert (entry.after.unit, entry.after.high, entry.after.kind) == ("MW", None, Kind.STEP)
    assert entry.after.low == 0


def test_a_tag_that_cannot_become_what_was_asked_says_why_and_the_others_change() -> None:
    found, rejected = edit(set={"high": "-5"})
    assert [row.path for row in rejected] == ["shop/hall1/press/power"]
    assert "the range is empty" in rejected[0].reason.en and "量程" in rejected[0].reason.zh
    assert len(found.changed) == 2


def test_paths_are_renamed_by_what_a_pattern_caught() -> None:
    rename = {"pattern": "shop/{hall}/{rest*}", "to": "works/{rest*}/in/{hall}"}
    found, rejected = edit(rename=rename)
    assert rejected == []
    assert [entry.after.path for entry in found.changed] == [
        "works/press/power/in/hall1",
        "works/press/state/in/hall1",
        "works/oven/temperature/in/hall2",
    ]


def test_two_tags_never_get_one_path() -> None:
    found, rejected = edit(rename={"pattern": "shop/{a}/{b}/{c}", "to": "shop/one"})
    assert len(found.changed) == 1
    assert all("already" in row.reason.en for row in rejected) and len(rejected) == 2
    _, taken = edit(rename={"pattern": "shop/hall1/press/{x}", "to": "shop/hall1/press/state"})
    assert [row.path for row in taken] == ["shop/hall1/press/power"]


@pytest.mark.parametrize(
    ("pattern", "to"), [("shop/{a}/{a}", "x"), ("shop/{1}", "x"), ("shop/{a}", "shop/{b}")]
)
def test_a_wrong_pattern_is_refused_as_a_whole(pattern: str, to: str) -> None:
    with pytest.raises(InputError) as caught:
        edit(rename={"pattern": pattern, "to": to})
    assert caught.value.code == "path-pattern-invalid"


def test_signs_of_regular_expressions_are_only_signs() -> None:
    tags = {"a.b/c": Tag(path="a.b/c"), "axb/c": Tag(path="axb/c")}
    found, _ = edited(tags, tags, Edit(rename=Rename(pattern="a.b/{x}", to="n/{x}")))
    assert [entry.before.path for entry in found.changed] == ["a.b/c"]


def test_a_column_that_is_none_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        edit(set={"path": "x", "colour": "red"})
    assert caught.value.code == "tag-edit-column"


def test_deleted_and_replaced() -> None:
    found, _ = edit(replace=[Replace(column="description_en", find="old", by="new")])
    assert [entry.after.description_en for entry in found.changed] == ["new oven"]
    assert found.unchanged == 2
    gone, _ = edit(delete=True)
    assert gone.removed == list(TAGS.values())


def test_each_table_keeps_its_own_tags_and_new_ones_go_into_the_target() -> None:
    power, state, oven = TAGS.values()
    tables = {"a.csv": table_bytes([power]), "b.csv": table_bytes([state, oven]), "c.csv": b"x\n"}
    del tables["c.csv"]
    change = difference(TAGS, [Tag(path=oven.path, unit="K"), Tag(path="z")], [state.path])
    change.removed = [state]
    made = rewritten(tables, change, "new.csv")
    assert set(made) == {"b.csv", "new.csv"}
    assert made["b.csv"] is not None and made["new.csv"] is not None
    assert read_table(made["b.csv"]).tags == [Tag(path=oven.path, unit="K")]
    assert read_table(made["new.csv"]).tags == [Tag(path="z")]


def test_a_table_of_which_nothing_is_left_goes() -> None:
    [power, *_] = TAGS.values()
    assert rewritten({"a.csv": table_bytes([power])}, Difference(removed=[power]), "") == {
        "a.csv": None
    }
