"""What is written into a tag table is read back, whatever text somebody typed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import guarded, read_enumeration, unguarded, write_enumeration
from lianji.dictionary.tag_table import read_table, write_table

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=12)
PLAIN = TEXT.map(str.strip).filter(str.isprintable)


@given(TEXT)
def test_a_guarded_cell_is_read_back_and_begins_no_formula(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert cell[:1] not in set("=@")


@given(st.dictionaries(st.integers(-(2**31), 2**31), TEXT.map(str.strip), min_size=1, max_size=4))
def test_an_enumeration_is_read_back(meanings: dict[int, str]) -> None:
    assert read_enumeration(write_enumeration(meanings)) == meanings


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(PLAIN, PLAIN, st.floats(allow_nan=False, allow_infinity=False)), max_size=4)
)
def test_a_table_is_read_back(tmp_path: Path, rows: list[tuple[str, str, float]]) -> None:
    tags = [
        Tag(path=f"a/{number}", address=address, description_zh=words, offset=offset)
        for number, (address, words, offset) in enumerate(rows)
    ]
    write_table(tags, tmp_path / "tags.csv")
    found = read_table(tmp_path / "tags.csv")
    assert found.rejected == []
    assert found.tags == tags


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLAIN.filter(lambda name: name and not set(name) & set("'\"\\")), st.sampled_from("'\""))
def test_an_expression_is_read_back_whatever_tag_it_begins_with(
    tmp_path: Path, name: str, quote: str
) -> None:
    tags = [Tag(path="a/b", expression=f"{quote}{name}{quote} + 1")]
    write_table(tags, tmp_path / "tags.csv")
    found = read_table(tmp_path / "tags.csv")
    assert (found.tags, found.rejected) == (tags, [])
