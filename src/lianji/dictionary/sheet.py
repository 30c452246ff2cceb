"""A table as somebody hands it in: CSV in several encodings, or the first sheet of a workbook.

What lies in ``tags/`` is UTF-8 and nothing else. What a person brings may be GBK (the plain CSV of
a Chinese Excel), UTF-16 (Excel's "Unicode text") or .xlsx: it is read, and ``encoding`` says how,
so that a preview can show it before anything is kept. Pure: bytes in, rows of text out.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lianji.base.errors import InputError, Text
from lianji.dictionary.csv_text import (
    Record,
    named_delimiter,
    records,
    sniff_delimiter,
    split_lines,
)

UNPACKED_BYTES_MAX = 512 << 20
"""A workbook is a zip file: what it would unpack to is looked at before it is."""
WORKBOOK_COLUMNS_MAX = 64
"""What stands further to the right is not looked at: a row may claim 16,384 cells in ten bytes."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, IndexError, SyntaxError, EOFError)
_CODECS = ("utf-8-sig", "gb18030")


@dataclass(slots=True)
class Sheet:
    """The rows of one table. ``encoding`` is utf-8, gb18030, utf-16 or xlsx."""

    header: list[str]
    rows: Iterator[Record]
    delimiter: str
    encoding: str


def sheet_of(content: bytes, code: str = "tag-table") -> Sheet:
    """The table in ``content``. Raises InputError ``<code>-format``, ``-encoding`` or ``-size``."""
    if content.startswith(b"PK\x03\x04"):
        return _workbook(content, code)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable(
            code, "format", "an old Excel workbook (.xls)", "旧版 Excel 工作簿（.xls）"
        )
    text, encoding = decoded_somehow(content, code)
    return _of_text(text, encoding)


def decoded_somehow(content: bytes, code: str) -> tuple[str, str]:
    """The text and the encoding that it was in. Raises InputError ``<code>-encoding``."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), "utf-16"
        except UnicodeDecodeError:
            raise _unreadable(code, "encoding", "damaged UTF-16", "损坏的 UTF-16") from None
    if b"\x00" in content[:4096]:
        raise _unreadable(code, "encoding", "no text", "非文本文件")
    for codec in _CODECS:
        try:
            return content.decode(codec), codec.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise _unreadable(code, "encoding", "neither UTF-8 nor GBK", "既非 UTF-8 也非 GBK")


def _of_text(text: str, encoding: str) -> Sheet:
    lines = split_lines(text)
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    delimiter = named_delimiter(lines[first]) if first < len(lines) else None
    if delimiter:
        first += 1
    else:
        delimiter = sniff_delimiter(lines[first : first + 20])
    header = next(records(lines[first:], delimiter, first + 1), None)
    if header is None:
        return Sheet([], iter(()), delimiter, encoding)
    rows = records(lines[header.line :], delimiter, header.line + 1, len(header.cells))
    return Sheet(header.cells, rows, delimiter, encoding)


def _workbook(content: bytes, code: str) -> Sheet:
    _check_unpacked(content, code)
    import openpyxl  # it takes its time, and most tables are CSV

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # the size that it claims may be anything
        found = sheet.iter_rows(values_only=True, max_col=WORKBOOK_COLUMNS_MAX)
        rows = enumerate(found, 1)
        header = next(((n, row) for n, row in rows if any(c is not None for c in row)), None)
    except _DAMAGED as error:
        raise _unreadable(
            code, "format", "no Excel workbook (.xlsx)", "无效的 .xlsx 文件"
        ) from error
    names = _cells(header[1]) if header else []
    return Sheet(names, _records(rows, code), "", "xlsx")


def _check_unpacked(content: bytes, code: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except zipfile.BadZipFile as error:
        raise _unreadable(code, "format", "a damaged workbook", "损坏的工作簿") from error
    if size > UNPACKED_BYTES_MAX:
        mib = UNPACKED_BYTES_MAX >> 20
        raise InputError(
            f"{code}-size",
            Text(
                f"The workbook would unpack to more than {mib} MiB.",
                f"工作簿解压后将超过 {mib} MiB。",
            ),
            Text("Split the table into several files.", "请将表格拆分为多个文件。"),
        )


def _records(rows: Iterable[tuple[int, tuple[Any, ...]]], code: str) -> Iterator[Record]:
    try:
        for number, row in rows:
            cells = _cells(row)
            if cells:
                yield Record(number, cells)
    except _DAMAGED as error:
        raise _unreadable(code, "format", "a damaged workbook", "损坏的工作簿") from error


def _cells(row: tuple[Any, ...]) -> list[str]:
    cells = [_text(cell) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0")
    return str(cell)


def _unreadable(code: str, what: str, en: str, zh: str) -> InputError:
    return InputError(
        f"{code}-{what}",
        Text(f"The file cannot be read: it is {en}.", f"无法读取该文件：{zh}。"),
        Text("Save it as .xlsx or as CSV UTF-8.", "请另存为 .xlsx 或 CSV UTF-8。"),
    )
