"""Tags as an Excel workbook: all of them, or an empty table with a note on every column."""

from __future__ import annotations

import io
from collections.abc import Iterable

from lianji.base.errors import Language, Text
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_cells import COLUMNS, NUMBERS, to_cells

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDE = {"path": 52, "description_en": 32, "description_zh": 32, "address": 22}
_AS_NUMBERS = [column in NUMBERS or column == "interval_ms" for column in COLUMNS]
EXAMPLE = Tag(
    path="site/area/line/machine/signal",
    device="press1",
    address="40001",
    type="float32@CDAB",
    unit="kW",
    low=0.0,
    high=75.0,
    description_en="an example: delete this row",
    description_zh="示例：请删除此行",
)


def workbook_bytes(tags: Iterable[Tag], notes: dict[str, Text], language: Language) -> bytes:
    """The tags as one sheet. ``notes`` are shown on the columns' heads."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment
    from openpyxl.styles import Font

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("tags")
    sheet.freeze_panes = "B2"
    head = []
    for number, column in enumerate(COLUMNS):
        cell = WriteOnlyCell(sheet, column)
        cell.font = Font(bold=True)
        if column in notes:
            cell.comment = Comment(notes[column].in_language(language), "Lianji", 160, 320)
        sheet.column_dimensions[_letter(number)].width = _WIDE.get(column, 14)
        head.append(cell)
    sheet.append(head)
    for tag in tags:
        cells = zip(to_cells(tag), _AS_NUMBERS, strict=True)
        sheet.append([_value(cell, number) for cell, number in cells])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def _value(cell: str, is_number: bool) -> str | float | None:
    if not cell:
        return None
    if is_number:
        return float(cell)
    return cell
