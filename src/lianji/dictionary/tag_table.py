"""Tag tables: CSV files that people edit in Excel and that git shows line by line.

A bad row costs itself and no other: it comes back with its line and the reason. A file that
cannot be understood as a whole (encoding, columns) is refused as a whole, and nothing is guessed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import zip_longest
from pathlib import Path

from lianji.base.durable import write_atomically
from lianji.base.errors import InputError, Text
from lianji.dictionary.csv_text import (
    Record,
    check_not_foreign,
    decoded,
    named_delimiter,
    records,
    sniff_delimiter,
    split_lines,
)
from lianji.dictionary.sheet import Sheet
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
    content = source if isinstance(source, bytes) else table_content(source)
    lines, first, delimiter = _told_apart(content)
    header = next(records(lines[first:], delimiter, first + 1), None)
    columns = columns_of(header.cells if header else [])
    body = lines[header.line :] if header else []
    rows = records(body, delimiter, (header.line if header else 0) + 1, len(columns))
    return _read_rows(rows, columns, decimal_comma=delimiter != ",")


def table_columns(content: bytes) -> list[str]:
    """The fields that a table has columns for. Raises InputError as ``read_table`` does."""
    lines, first, delimiter = _told_apart(content)
    header = next(records(lines[first:], delimiter, first + 1), None)
    return [name for name in columns_of(header.cells if header else []) if name]


def _told_apart(content: bytes) -> tuple[list[str], int, str]:
    """The lines, the index of the first that counts, and the delimiter."""
    check_not_foreign(content[:4096], "tag-table")
    lines = split_lines(decoded(content, "tag-table"))
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    delimiter = named_delimiter(lines[first]) if first < len(lines) else None
    if delimiter:
        return lines, first + 1, delimiter
    return lines, first, sniff_delimiter(lines[first : first + 20])


def read_sheet(sheet: Sheet) -> Imported:
    """The same for a table that somebody hands in, of whatever encoding or a workbook.

    Raises InputError ``tag-table-columns``.
    """
    columns = columns_of(sheet.header)
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


def table_content(path: Path) -> bytes:
    """A table's bytes. Raises InputError ``tag-table-missing`` or ``-size``."""
    try:
        if path.stat().st_size > TABLE_BYTES_MAX:
            raise InputError(
                "tag-table-size",
                Text(f"{path} is larger than 256 MiB.", f"{path} 大于 256 MiB。"),
                Text("Split the table into several files.", "请将表格拆分为多个文件。"),
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            "tag-table-missing",
            Text(
                f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"
            ),
            Text("Check the file's name and its permissions.", "请检查文件名和文件权限。"),
        ) from error


def columns_of(header: Sequence[str]) -> list[str]:
    """The field of each column, "" for one without a name. Raises InputError naming the wrong."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    found = [_field(name) for name in names]
    wrong = [name for name, field_ in zip(names, found, strict=True) if field_ is None]
    if wrong:
        raise _wrong_columns(
            Text(
                f"Unknown columns: {_with_nearest(wrong, '; ', 'did you mean')}.",
                f"未知的列：{_with_nearest(wrong, '；', '是否为')}。",
            )
        )
    columns = [field_ or "" for field_ in found]
    twice = sorted({field_ for field_ in columns if field_ and columns.count(field_) > 1})
    if twice:
        raise _wrong_columns(
            Text(f"Columns given twice: {', '.join(twice)}.", f"重复的列：{'、'.join(twice)}。")
        )
    if "path" not in columns:
        raise _wrong_columns(Text("The table has no column 'path'.", "表格缺少“path”（路径）列。"))
    return columns


def _field(name: str) -> str | None:
    """The Tag's field that a column's name stands for; "" for an empty name, None if unknown."""
    plain = name.lower().replace(" ", "_")
    return plain if plain in COLUMNS or not plain else _ALIASES.get(plain)


def _with_nearest(names: Iterable[str], joint: str, question: str) -> str:
    """The names, each with the known column that it is nearest to."""
    said = []
    for name in names:
        near = get_close_matches(name.lower().replace(" ", "_"), [*COLUMNS, *_ALIASES], 1, 0.6)
        said.append(f"{name} ({question} {_ALIASES.get(near[0], near[0])}?)" if near else name)
    return joint.join(said)


def _wrong_columns(cause: Text) -> InputError:
    known = ", ".join(COLUMNS)
    return InputError(
        "tag-table-columns",
        cause,
        Text(f"Columns may be: {known}.", f"可用的列：{known}。"),
    )


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
