"""Excel workbooks, read as a stream: the cells' stored values, never their formulas."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Block, refuse

_BLOCK_ROWS = 10_000
_LAST_LOOK_ROWS = 50


class ExcelSource:
    """One sheet of an .xlsx workbook with a header row."""

    delimiter = ""

    def __init__(self, path: Path, options: ImportOptions) -> None:
        self.bytes_total = path.stat().st_size
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
            raise refuse(
                "format",
                f"{path.name} is not an Excel workbook (.xlsx): {error}.",
                f"{path.name} 不是 Excel 工作簿（.xlsx）：{error}。",
                "Save it as .xlsx or as CSV UTF-8.",
                "请另存为 .xlsx 或 CSV UTF-8。",
            ) from error
        self._sheet = book[_sheet(book, options.sheet)]
        self._skip = options.skip_lines
        self._rows = enumerate(self._sheet.iter_rows(values_only=True), 1)
        self.names = self._header(path)

    def _header(self, path: Path) -> list[str]:
        for number, cells in self._rows:
            if number > self._skip and any(cell is not None for cell in cells):
                names = ["" if cell is None else str(cell).strip() for cell in cells]
                while not names[-1]:
                    names.pop()
                return names
        raise refuse(
            "header",
            f"The sheet '{self._sheet.title}' of {path.name} is empty.",
            f"{path.name} 的工作表“{self._sheet.title}”为空。",
            "Choose another sheet with --sheet.",
            "请用 --sheet 选择其他工作表。",
        )

    def blocks(self) -> Iterator[Block]:
        ordinal, width = 0, len(self.names)
        while numbered := list(islice(self._rows, _BLOCK_ROWS)):
            kept = [(number, row) for number, row in numbered if any(c is not None for c in row)]
            rows = [row[:width] + (None,) * (width - len(row)) for _, row in kept]
            lines = np.array([number for number, _ in kept], dtype=np.int64)
            ordinals = np.arange(ordinal, ordinal + len(kept), dtype=np.int64)
            ordinal += len(kept)
            columns = [to_array([row[number] for row in rows]) for number in range(width)]
            yield Block(columns, lines, ordinals, self._done(numbered[-1][0]))

    def _done(self, row: int) -> int:
        """A workbook is packed, so progress is by rows where the sheet says how many."""
        rows = self._sheet.max_row or row
        return self.bytes_total * min(row, rows) // rows


def _sheet(book: Any, wanted: str) -> str:
    names: list[str] = [sheet.title for sheet in book.worksheets]
    if wanted and wanted in names:
        return wanted
    filled: list[str] = [
        sheet.title for sheet in book.worksheets if not wanted and _is_filled(sheet)
    ]
    if len(filled) == 1:
        return filled[0]
    if not wanted and not filled:
        return names[0]
    raise refuse(
        "sheet",
        f"The workbook has no sheet '{wanted}'." if wanted else "Several sheets hold data.",
        f"工作簿中没有工作表“{wanted}”。" if wanted else "有多个工作表含有数据。",
        f"Choose one with --sheet: {', '.join(names)}.",
        f"请用 --sheet 选择其一：{'、'.join(names)}。",
    )


def _is_filled(sheet: Any) -> bool:
    rows: Iterable[tuple[Any, ...]] = islice(sheet.iter_rows(values_only=True), _LAST_LOOK_ROWS)
    return any(cell is not None for row in rows for cell in row)


def to_array(cells: list[Any]) -> pa.Array:
    """A column of one type where the cells are of one, else their text (numbers exactly)."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float, bool}:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    if kinds <= {datetime.datetime, datetime.date}:
        return pa.array(cells, pa.timestamp("us"))
    return pa.array([_text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0")
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ")
    return str(cell)
