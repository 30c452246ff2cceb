"""All alarm tables of a plant together: the good rows, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from lianji.act.alarms.alarm import Row
from lianji.act.alarms.table import AlarmTable, read_alarm_table
from lianji.base.errors import InputError, LianjiError, Text


@dataclass(slots=True)
class AlarmTables:
    """The good rows of all files, and a problem for each of the others."""

    rows: list[Row] = field(default_factory=list)
    problems: list[LianjiError] = field(default_factory=list)


def read_tables(
    files: Iterable[tuple[str, Callable[[], AlarmTable]]], before: AlarmTables | None = None
) -> AlarmTables:
    """Read all tables, each a file's name and what reads it. A wrong file or row keeps no other
    from working; of a file that cannot be understood as a whole the rows of ``before`` stay."""
    tables = AlarmTables()
    places: dict[tuple[str, str], Row] = {}
    for name, read in files:
        try:
            table = read()
        except LianjiError as error:
            cause = Text(f"{name}: {error.cause.en}", f"{name}：{error.cause.zh}")
            tables.problems.append(InputError(error.code, cause, error.remedy))
            tables.rows += [row for row in before.rows if row.file == name] if before else []
            continue
        for bad in table.rejected:
            tables.problems.append(_row_problem(name, bad.line, bad.name, bad.reason))
        for definition, line in zip(table.definitions, table.lines, strict=True):
            row = Row(definition, name, line)
            first = places.setdefault(definition.key, row)
            if first is row:
                tables.rows.append(row)
            else:
                tables.problems.append(_twice(row, first))
    return tables


def tables_in(files: Iterable[tuple[str, bytes]]) -> AlarmTables:
    """The same of tables by their bytes."""
    return read_tables((name, partial(read_alarm_table, content)) for name, content in files)


def _twice(row: Row, first: Row) -> InputError:
    reason = Text(
        f"{first.file}, line {first.line}, has the same tag and name",
        f"{first.file} 第 {first.line} 行的标签和名称相同",
    )
    return _row_problem(row.file, row.line, row.definition.known_as, reason)


def _row_problem(file: str, line: int, name: str, reason: Text) -> InputError:
    return InputError(
        "alarm-row-invalid",
        Text(
            f"{file}, line {line}: {name or '(no name)'}: {reason.en}.",
            f"{file} 第 {line} 行：{name}：{reason.zh}。",
        ),
        Text("Mend the row; the other alarms are in use.", "请修改该行；其他报警已生效。"),
    )
