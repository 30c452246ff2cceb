"""A table is changed cell by cell: whatever a change does not say stays byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.dictionary.table_rows import raw_fields
from lianji.dictionary.table_text import TableText
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes

ODD = (
    "\ufeffsep=;\r\n描述;路径;unit;低位\r\n".replace("低位", "下限")
    + '"oil; hot";a/b; kW ;1,5\r\n'
    + "\r\n"
    + 'plain;"a/""c";kW\r\n'
    + 'two\r\nbroken "row;x//y;kW;\r\n'
    + '"two\nlines";a/d;kW;2\r\n'
    + "last;a/e;kW"
)


def test_one_cell_changes_and_every_other_byte_stays() -> None:
    content = ODD.encode()
    before = {tag.path: tag for tag in read_table(content).tags}
    text = TableText(content)
    text.change(before["a/b"], replace(before["a/b"], unit="MW"))
    assert text.content() == content.replace(b"a/b; kW ;1,5", b"a/b;MW;1,5")


def test_an_unchanged_table_is_the_same_file() -> None:
    for content in (
        ODD.encode(),
        b"path\ra/b\ra/c",
        b"path,unit\na/b,kW\n\n\n",
        "路径\n厂/线".encode(),
    ):
        assert TableText(content).content() == content


def test_a_row_over_two_lines_is_changed_as_one() -> None:
    content = ODD.encode()
    tag = next(tag for tag in read_table(content).tags if tag.path == "a/d")
    text = TableText(content)
    text.change(tag, replace(tag, low=3.25))
    assert text.content() == content.replace(b";a/d;kW;2\r\n", b";a/d;kW;3.25\r\n")


def test_a_column_that_is_missing_is_added_and_no_row_is_lost() -> None:
    content = ODD.encode()
    tags = read_table(content).tags
    text = TableText(content)
    text.change(tags[0], replace(tags[0], interval_ms=500))
    again = read_table(text.content())
    assert again.tags == [replace(tags[0], interval_ms=500), *tags[1:]]
    assert len(again.rejected) == len(read_table(content).rejected)


def test_rows_are_removed_and_added_after_a_last_line_without_its_end() -> None:
    text = TableText(b"path,unit\na/b,kW\na/c,bar")
    text.remove("a/b")
    text.add(Tag(path="a/d", unit="m3", description_en='"quoted", yes'))
    assert text.content() == (b'path,unit,description_en\na/c,bar\na/d,m3,"""quoted"", yes"\n')


def test_a_formula_stays_text_for_excel() -> None:
    text = TableText(b"path,description_en\na/b,x\n")
    tag = Tag(path="a/b", description_en="x")
    text.change(tag, replace(tag, description_en="=1+1"))
    assert text.content() == b"path,description_en\na/b,'=1+1\n"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("a,b", ["a", "b"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ('"a""b",', ['"a""b"', ""]),
        ('"",x', ['""', "x"]),
        ('""",""",x', ['""","""', "x"]),
        ('a"b,c"d', ['a"b', 'c"d']),
    ],
)
def test_cells_are_cut_where_csv_cuts_them(body: str, fields: list[str]) -> None:
    assert raw_fields(body, ",") == fields


_TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(_TEXTS, min_size=1, max_size=6), st.integers(0, 5), _TEXTS)
def test_whatever_the_texts_a_change_is_read_back(texts: list[str], at: int, new: str) -> None:
    tags = [Tag(path=f"a/{n}", description_en=text.strip()) for n, text in enumerate(texts)]
    tags = read_table(table_bytes(tags)).tags
    at %= len(tags)
    changed = read_table(table_bytes([replace(tags[at], description_en=new.strip())])).tags[0]
    text = TableText(table_bytes(tags))
    text.change(tags[at], changed)
    assert read_table(text.content()).tags == [*tags[:at], changed, *tags[at + 1 :]]
