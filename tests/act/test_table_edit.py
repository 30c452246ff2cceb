"""A row of an alarm table changed as the page does it: these cells, and nothing else."""

from __future__ import annotations

import pytest

from lianji.act.alarms.form import form_fields
from lianji.act.alarms.table import read_alarm_table
from lianji.act.alarms.table_edit import definition_of, edited_table
from lianji.act.alarms.tables import tables_in
from lianji.base.errors import Conflict, InputError

TABLE = (
    "\ufeff类型;标签;阈值;优先级;备注\r\n".replace(";备注", "")
    + 'H;"p/a/temp";80,5;高\r\n'
    + "nonsense;p/b;;\r\n"
    + "L; p/c/level ;=1;2\r\n"
).encode()


def test_a_change_touches_its_cells_alone() -> None:
    made = edited_table(TABLE, 2, definition_of({"tag": "p/a/temp", "kind": "H", "limit": 90,
                                                 "priority": 2}))  # fmt: skip
    assert made == TABLE.replace(b"80,5", b"90")


def test_a_field_without_a_column_gets_one_and_old_rows_stay() -> None:
    given = {"tag": "p/a/temp", "kind": "H", "limit": 80.5, "priority": 2, "on_delay_s": 5}
    made = edited_table(TABLE, 2, definition_of(given))
    assert made is not None
    lines, before = made.decode().split("\r\n"), TABLE.decode().split("\r\n")
    assert lines[0] == before[0] + ";on_delay_s"
    assert lines[1] == before[1] + ";5"
    assert lines[2:] == before[2:]


def test_rows_are_added_at_the_end_and_taken_out() -> None:
    added = edited_table(TABLE, None, definition_of({"tag": "p/d", "kind": "bad"}))
    assert added is not None and added.startswith(TABLE)
    table = read_alarm_table(added)
    assert [one.tag for one in table.definitions][-1] == "p/d"
    assert edited_table(added, table.lines[-1], None) == TABLE


def test_a_new_table_opens_in_excel_and_the_last_row_takes_it_away() -> None:
    made = edited_table(None, None, definition_of({"tag": "p/d", "kind": "stale", "limit": 60}))
    assert made is not None and made.startswith(b"\xef\xbb\xbf") and made.endswith(b"\r\n")
    assert edited_table(made, 2, None) is None


@pytest.mark.parametrize("line", [1, 3, 99])
def test_a_line_that_holds_no_alarm_is_refused(line: int) -> None:
    with pytest.raises(Conflict):
        edited_table(TABLE, line, None)


def test_what_makes_no_sense_is_refused_in_the_words_of_the_file() -> None:
    with pytest.raises(InputError) as refused:
        definition_of({"tag": "p/a", "kind": "H"})
    (problem,) = tables_in([("x.csv", b"tag,kind\np/a,H\n")]).problems
    assert refused.value.cause.en.removesuffix(".") in problem.cause.en
    assert refused.value.cause.zh.removesuffix("。") in problem.cause.zh


def test_the_form_asks_for_every_field_with_its_bounds_and_choices() -> None:
    fields = {field.name: field for field in form_fields()}
    assert fields["kind"].choices[:2] == ["HH", "H"] and fields["kind"].required
    assert (fields["priority"].widget, fields["priority"].default) == ("choice", 3)
    assert fields["window_s"].minimum == 1 and fields["limit"].widget == "number"
    assert [field.name for field in form_fields()][:2] == ["tag", "kind"]
