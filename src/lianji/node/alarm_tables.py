"""The alarm tables of a plant's folder: ``alarms/*.csv``, and what is wrong with them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from lianji.act.alarms.alarm import Row
from lianji.act.alarms.table import read_alarm_table
from lianji.base.errors import InputError, LianjiError, Text
from lianji.node.folder import PlantFolder

ALARMS = "alarms"
"""The folder of the tables, beside ``tags``."""


@dataclass(slots=True)
class AlarmTables:
    """The good rows of all files, and a problem for each of the others."""

    rows: list[Row] = field(default_factory=list)
    problems: list[LianjiError] = field(default_factory=list)


class AlarmFiles:
    """The tables of a folder as they change. Files that are still being written are left alone."""

    def __init__(self, folder: PlantFolder) -> None:
        self._folder = folder
        self._taken = self._seen = self._marks()
        self.tables = load_alarms(folder)

    def look(self, at_once: bool = False) -> bool:
        """Take what has changed and has stood still since the last look; whether that was any.

        ``at_once``: they are whole already, for they were written by us.
        """
        marks = self._marks()
        still, self._seen = at_once or marks == self._seen, marks
        if marks == self._taken or not still:
            return False
        self.tables, self._taken = load_alarms(self._folder, self.tables), marks
        return True

    def _marks(self) -> list[tuple[str, int, int]]:
        marks = []
        for path in sorted((self._folder.root / ALARMS).glob("*.csv")):
            with suppress(FileNotFoundError):  # taken away meanwhile
                found = path.stat()
                marks.append((path.name, found.st_mtime_ns, found.st_size))
        return marks


def load_alarms(folder: PlantFolder, before: AlarmTables | None = None) -> AlarmTables:
    """Read all tables. A wrong file or row keeps no other from working.

    Of a file that cannot be understood as a whole the rows of ``before`` stay in use.
    """
    tables = AlarmTables()
    places: dict[tuple[str, str], Row] = {}
    for path in sorted((folder.root / ALARMS).glob("*.csv")):
        try:
            table = read_alarm_table(path)
        except LianjiError as error:
            cause = Text(f"{path.name}: {error.cause.en}", f"{path.name}：{error.cause.zh}")
            tables.problems.append(InputError(error.code, cause, error.remedy))
            tables.rows += [row for row in before.rows if row.file == path.name] if before else []
            continue
        for bad in table.rejected:
            tables.problems.append(_row_problem(path.name, bad.line, bad.name, bad.reason))
        for definition, line in zip(table.definitions, table.lines, strict=True):
            row = Row(definition, path.name, line)
            first = places.setdefault(definition.key, row)
            if first is row:
                tables.rows.append(row)
            else:
                tables.problems.append(_twice(row, first))
    return tables


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
