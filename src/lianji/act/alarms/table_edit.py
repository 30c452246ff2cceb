"""One row of an alarm table is added, changed or taken out; all else stays byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lianji.act.alarms.definition import AlarmDefinition
from lianji.act.alarms.table import COLUMNS, FORM, cells_of, read_alarm_table, reason_of
from lianji.base.errors import Conflict, InputError, Text
from lianji.dictionary.table_rows import TableRows


def definition_of(given: Mapping[str, Any]) -> AlarmDefinition:
    """What a form says. Raises InputError with the words that a file's row gets."""
    try:
        return AlarmDefinition.model_validate(dict(given))
    except ValidationError as error:
        reason = reason_of(error)
        raise InputError(
            "alarm-row-invalid",
            Text(f"{reason.en}.", f"{reason.zh}。"),
            Text("Mend it and check again.", "请修改后重新检查。"),
        ) from error


def edited_table(
    content: bytes | None, line: int | None, definition: AlarmDefinition | None
) -> bytes | None:
    """The table after one change; None where no row is left.

    ``line`` None adds a row, ``definition`` None takes one out. Raises Conflict where no good row
    begins at this line, InputError where the table cannot be understood as a whole.
    """
    table = TableRows(FORM, content)
    if line is None:
        assert definition is not None
        table.append(cells_of(definition))
        return table.content()
    known = read_alarm_table(content or b"kind\n")
    was = dict(zip(known.lines, known.definitions, strict=True)).get(line)
    place = next((n for n, record in enumerate(table.records) if n and record.line == line), None)
    if was is None or place is None:
        raise _no_row(line)
    if definition is None:
        table.drop(place)
        return None if table.is_empty else table.content()
    before, after = cells_of(was), cells_of(definition)
    table.put(place, {name: after[name] for name in COLUMNS if after[name] != before[name]})
    return table.content()


def _no_row(line: int) -> Conflict:
    return Conflict(
        "alarm-row-missing",
        Text(f"Line {line} holds no alarm any more.", f"第 {line} 行已没有报警定义。"),
        Text("Look at the table again.", "请重新查看该表。"),
    )
