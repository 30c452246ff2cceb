"""Tag tables: CSV files that people edit in Excel and that git shows line by line.

A bad row costs itself and no other: it comes back with its line and the reason. A file that
cannot be understood as a whole (encoding, columns) is refused as a whole, and nothing is guessed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from lianji.base.durable import write_atomically
from lianji.base.errors import Text
from lianji.dictionary.csv_text import Record
from lianji.dictionary.sheet import Sheet
from lianji.dictionary.table_form import TableForm
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS, CellError, to_cells, to_tag

TABLE_BYTES_MAX = 256 * 1024 * 1024
_ALIASES = {
    "路径": "path", "标签": "path", "标签路径": "path", "位号": "path", "tag": "path",
    "设备": "device", "设备名": "device", "设备名称": "device",
    "地址": "address", "寄存器": "address", "寄存器地址": "address", "node": "address",
    "类型": "type", "数据类型": "type", "data_type": "type", "datatype": "type",
    "单位": "unit", "units": "unit", "工程单位": "unit",
    "方式": "kind", "插值": "kind", "种类": "kind", "变化方式": "kind",
    "下限": "low", "量程下限": "low", "最小值": "low", "min": "low",
    "上限": "high", "量程上限": "high", "最大值": "high", "max": "high",
    "比例": "scale", "系数": "scale", "倍率": "scale", "偏移": "offset", "偏移量": "offset",
    "周期": "interval_ms", "采集周期": "interval_ms", "采集周期_ms": "interval_ms",
    "周期_ms": "interval_ms", "interval": "interval_ms",
    "死区": "deadband", "描述": "description_zh", "说明": "description_zh",
    "中文描述": "description_zh", "备注": "description_zh", "英文描述": "description_en",
    "description": "description_en", "枚举": "enumeration", "状态": "enumeration",
    "表达式": "expression", "公式": "expression", "计算式": "expression", "formula": "expression",
}  # fmt: skip
FORM = TableForm("tag-table", COLUMNS, _ALIASES, "path", "路径", TABLE_BYTES_MAX)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its line in the file (from 1), its path as far as known, why."""

    line: int
    path: str
    reason: Text


@dataclass(slots=True)
class Imported:
    """What a table gave: the good rows as tags, in order, and the bad ones."""

    tags: list[Tag] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    """The line of each good row, by its path."""


def read_table(source: Path | bytes) -> Imported:
    """Read a tag table: a file or its bytes. Columns in any order; ``path`` must be there.

    UTF-8 with or without BOM; comma, semicolon or tab. Raises InputError for the file as a whole:
    ``tag-table-missing``, ``-encoding``, ``-format``, ``-columns`` or ``-size``.
    """
    content = source if isinstance(source, bytes) else FORM.content(source)
    columns, rows, delimiter = FORM.rows(content)
    return _read_rows(rows, columns, decimal_comma=delimiter != ",")


def table_columns(content: bytes) -> list[str]:
    """The fields that a table has columns for. Raises InputError as ``read_table`` does."""
    return [name for name in FORM.rows(content).columns if name]


def read_sheet(sheet: Sheet) -> Imported:
    """The same for a table that somebody hands in, of whatever encoding or a workbook.

    Raises InputError ``tag-table-columns``.
    """
    columns = FORM.columns_of(sheet.header)
    return _read_rows(sheet.rows, columns, decimal_comma=sheet.delimiter not in ("", ","))


def write_table(tags: Iterable[Tag], path: Path) -> None:
    """Write a table that Excel opens (BOM, CRLF), replacing the file as a whole and durably.

    What ``read_table`` makes of it are the same tags. Raises OSError.
    """
    write_atomically(path, table_bytes(tags))


def table_bytes(tags: Iterable[Tag]) -> bytes:
    """What ``write_table`` writes."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows(to_cells(tag) for tag in tags)
    return text.getvalue().encode("utf-8-sig")


def _read_rows(rows: Iterable[Record], columns: list[str], decimal_comma: bool) -> Imported:
    imported = Imported()
    lines = imported.lines
    for record in rows:
        if not any(record.cells) and record.problem is None:
            continue
        try:
            tag = _read_row(record, columns, decimal_comma)
            if tag.path in lines:
                raise CellError(
                    Text(
                        f"the path is already in line {lines[tag.path]}",
                        f"该路径已在第 {lines[tag.path]} 行出现",
                    )
                )
        except CellError as error:
            path = dict(zip(columns, record.cells, strict=False)).get("path", "").strip()
            imported.rejected.append(Rejected(record.line, path, error.text))
        else:
            lines[tag.path] = record.line
            imported.tags.append(tag)
    return imported


def _read_row(record: Record, columns: list[str], decimal_comma: bool) -> Tag:
    if record.problem is not None:
        raise CellError(record.problem)
    row = [pair for pair in zip_longest(columns, record.cells, fillvalue="") if pair[1]]
    return to_tag(row, decimal_comma)
