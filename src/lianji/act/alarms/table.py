"""Alarm tables: CSV files that people edit in Excel, like tag tables.

A wrong row costs itself and no other: it comes back with its line and the reason. A file that
cannot be understood as a whole (encoding, columns) is refused as a whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lianji.act.alarms.definition import AlarmDefinition, AlarmKind, DefinitionError, Priority
from lianji.base.durable import write_atomically
from lianji.base.errors import Text
from lianji.dictionary.csv_text import Record
from lianji.dictionary.expression_words import ExpressionError
from lianji.dictionary.table_form import TableForm
from lianji.dictionary.tag_cells import guarded, unguarded

COLUMNS = tuple(AlarmDefinition.model_fields)
TABLE_BYTES_MAX = 32 * 1024 * 1024
NUMBERS = frozenset(("limit", "window_s", "deadband", "on_delay_s", "off_delay_s"))
ALIASES = {
    "名称": "name", "报警": "name", "报警名称": "name", "alarm": "name",
    "标签": "tag", "路径": "tag", "位号": "tag", "path": "tag",
    "类型": "kind", "种类": "kind", "type": "kind",
    "限值": "limit", "阈值": "limit", "报警值": "limit", "threshold": "limit",
    "状态": "state", "状态值": "state", "表达式": "expression", "公式": "expression",
    "时间窗": "window_s", "时间窗_s": "window_s", "死区": "deadband", "回差": "deadband",
    "延时": "on_delay_s", "报警延时": "on_delay_s", "报警延时_s": "on_delay_s",
    "恢复延时": "off_delay_s", "恢复延时_s": "off_delay_s",
    "优先级": "priority", "级别": "priority", "分组": "group", "组": "group",
    "报警文本": "message_zh", "消息": "message_zh", "message": "message_en",
    "处理方法": "action_zh", "处置": "action_zh", "action": "action_en", "what_to_do": "action_en",
    "抑制条件": "suppress_when",
}  # fmt: skip
FORM = TableForm("alarm-table", COLUMNS, ALIASES, "kind", "类型", TABLE_BYTES_MAX)
_SAID: dict[str, tuple[str, str]] = {
    "missing": ("is missing", "缺少"),
    "enum": (f"is none of {', '.join(AlarmKind)}", f"应为 {'、'.join(AlarmKind)} 之一"),
    "float_parsing": ("is not a number", "不是数字"),
    "finite_number": ("is not a finite number", "不是有限的数字"),
    "greater_than_equal": ("is below {ge:g}", "小于 {ge:g}"),
    "less_than_equal": ("is above {le:g}", "大于 {le:g}"),
    "string_too_long": ("has more than {max_length} characters", "超过 {max_length} 个字符"),
}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not taken: its line in the file (from 1), its name as far as known, why."""

    line: int
    name: str
    reason: Text


@dataclass(slots=True)
class AlarmTable:
    """What a file gave: the good rows in order, each with its line, and the bad ones."""

    definitions: list[AlarmDefinition] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)


def read_alarm_table(source: Path | bytes) -> AlarmTable:
    """Read an alarm table: a file or its bytes. Columns in any order; ``kind`` must be there.

    UTF-8 with or without BOM; comma, semicolon or tab. Raises InputError for the file as a whole:
    ``alarm-table-missing``, ``-encoding``, ``-format``, ``-columns`` or ``-size``.
    """
    content = source if isinstance(source, bytes) else FORM.content(source)
    columns, rows, delimiter = FORM.rows(content)
    return _read_rows(rows, columns, decimal_comma=delimiter != ",")


def write_alarm_table(definitions: Iterable[AlarmDefinition], path: Path) -> None:
    """Write a table that Excel opens (BOM, CRLF), replacing the file durably. Raises OSError."""
    write_atomically(path, alarm_table_bytes(definitions))


def alarm_table_bytes(definitions: Iterable[AlarmDefinition]) -> bytes:
    """What ``write_alarm_table`` writes."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows(cells_of(definition).values() for definition in definitions)
    return text.getvalue().encode("utf-8-sig")


def _read_rows(rows: Iterator[Record], columns: list[str], decimal_comma: bool) -> AlarmTable:
    table = AlarmTable()
    seen: dict[tuple[str, str], int] = {}
    for record in rows:
        if not any(record.cells) and record.problem is None:
            continue
        given = _given(columns, record.cells, decimal_comma)
        definition, reason = _definition(given, record)
        if definition is not None and definition.key in seen:
            line = seen[definition.key]
            reason = Text(
                f"line {line} has the same tag and name: give it a name of its own",
                f"第 {line} 行的标签和名称相同：请另取名称",
            )
        if definition is None or reason is not None:
            name = given.get("name") or given.get("tag") or ""
            table.rejected.append(RejectedRow(record.line, name, reason or Text("", "")))
            continue
        seen[definition.key] = record.line
        table.definitions.append(definition)
        table.lines.append(record.line)
    return table


def _given(columns: list[str], cells: Sequence[str], decimal_comma: bool) -> dict[str, str]:
    given = {}
    for column, padded in zip(columns, cells, strict=False):
        cell = unguarded(padded.strip())
        if column and cell:
            given[column] = cell
    if decimal_comma:
        for column in NUMBERS.intersection(given):
            given[column] = given[column].replace(",", ".")
    return given


def _definition(
    given: dict[str, str], record: Record
) -> tuple[AlarmDefinition | None, Text | None]:
    if record.problem is not None:
        return None, record.problem
    try:
        return AlarmDefinition.model_validate(given), None
    except ValidationError as error:
        return None, reason_of(error)


def reason_of(error: ValidationError) -> Text:
    """What is wrong with a definition, field by field, in both languages."""
    said = [_one(entry) for entry in error.errors(include_url=False)]
    return Text("; ".join(text.en for text in said), "；".join(text.zh for text in said))


def _one(entry: Any) -> Text:
    column = ".".join(str(part) for part in entry["loc"])
    context = entry.get("ctx", {})
    inner = context.get("error")
    if isinstance(inner, DefinitionError | ExpressionError):
        return inner.text
    en, zh = _SAID.get(entry["type"], (entry["msg"], entry["msg"]))
    if entry["type"] == "missing":
        return Text(f"{column} {en}", f"{zh} {column}")
    shown = str(entry.get("input", ""))[:60]
    return Text(
        f"{column} '{shown}' {en.format(**context)}", f"{column} “{shown}”{zh.format(**context)}"
    )


def cells_of(definition: AlarmDefinition) -> dict[str, str]:
    """A definition as a row's cells, by column; what is as usual is empty."""
    given = definition.model_dump(exclude_defaults=True)
    return {column: _cell(given.get(column, "")) for column in COLUMNS}


def _cell(value: Any) -> str:
    if isinstance(value, Priority):
        return "journal" if value is Priority.JOURNAL else str(int(value))
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return guarded(str(value))
