"""A table as its text: one cell is changed, and every other byte stays what it was.

People order the columns as they like, quote what they like and save with or without BOM; git shows
their tables line by line. So a change from the page touches the cells that it changes and nothing
else. Rows that cannot be read are carried along as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lianji.dictionary.csv_text import Record, records
from lianji.dictionary.table_form import TableForm

_BOM = "\ufeff"
_ENDS = "\r\n"


@dataclass(slots=True)
class _Row:
    """The text of one record without its line end, and that end."""

    body: str
    end: str


class TableRows:
    """One table; a row is known by its place, 1 for the first below the header.

    Raises InputError where it cannot be understood as a whole.
    """

    def __init__(self, form: TableForm, content: bytes | None = None) -> None:
        """``content`` None begins a new table, as Excel likes it: BOM, CRLF, every column."""
        if content is None or not content.strip():
            content = (_BOM + ",".join(form.columns) + "\r\n").encode()
        self._bom = _BOM if content.startswith(_BOM.encode()) else ""
        lines, first, self.delimiter = form.opened(content)
        text = content.decode("utf-8-sig")
        self._lone_cr = "\r" in text and "\n" not in text
        header = next(records(lines[first:], self.delimiter, first + 1), None)
        self.columns = form.columns_of(header.cells if header else [])
        begin = header.line - 1 if header else 0
        self._head = "".join(lines[:begin])
        self._rows: list[_Row | None] = []
        self.records: list[Record] = []
        """As they were read; the first is the header."""
        self._split(lines, begin)
        self._end = self._rows[0].end or "\r\n" if self._rows and self._rows[0] else "\r\n"

    def _split(self, lines: list[str], begin: int) -> None:
        self.records = list(records(lines[begin:], self.delimiter, begin + 1, len(self.columns)))
        for number, record in enumerate(self.records):
            more = number + 1 < len(self.records)
            until = self.records[number + 1].line - 1 if more else len(lines)
            text = "".join(lines[record.line - 1 : until])
            body = text.rstrip(_ENDS)
            self._rows.append(_Row(body, text[len(body) :]))

    def put(self, place: int, cells: Mapping[str, str]) -> None:
        """Write these cells into a row; the others stay."""
        self._need(column for column, cell in cells.items() if cell)
        row = self._rows[place]
        assert row is not None
        fields = raw_fields(row.body, self.delimiter)
        for column, cell in cells.items():
            if column in self.columns:
                at = self.columns.index(column)
                fields += [""] * (at + 1 - len(fields))
                fields[at] = self._quoted(cell)
        row.body = self.delimiter.join(fields)

    def append(self, cells: Mapping[str, str]) -> int:
        """A new last row; returns its place."""
        self._need(column for column, cell in cells.items() if cell)
        last = next((row for row in reversed(self._rows) if row is not None), None)
        if last is not None and not last.end:
            last.end = self._end
        body = self.delimiter.join(self._quoted(cells.get(name, "")) for name in self.columns)
        self._rows.append(_Row(body, self._end))
        return len(self._rows) - 1

    def drop(self, place: int) -> None:
        self._rows[place] = None

    @property
    def is_empty(self) -> bool:
        """True where nothing but the header is left."""
        return all(row is None for row in self._rows[1:])

    def content(self) -> bytes:
        text = self._head + "".join(row.body + row.end for row in self._rows if row is not None)
        if self._lone_cr:
            text = text.replace("\n", "\r")
        return (self._bom + text).encode()

    def _need(self, columns: Iterable[str]) -> None:
        """Add columns that the table has not. Records over several lines are filled up, for
        such a record counts only if it has all its cells."""
        new = [column for column in columns if column not in self.columns]
        if not new:
            return
        header = self._rows[0]
        assert header is not None
        fields = raw_fields(header.body, self.delimiter)[: len(self.columns)]
        header.body = self.delimiter.join([*fields, *new])
        self.columns += new
        for row in self._rows[1:]:
            if row is not None and "\n" in row.body:
                fields = raw_fields(row.body, self.delimiter)
                fields += [""] * (len(self.columns) - len(fields))
                row.body = self.delimiter.join(fields)

    def _quoted(self, cell: str) -> str:
        if any(sign in cell for sign in (self.delimiter, '"', "\n", "\r")):
            return '"' + cell.replace('"', '""') + '"'
        return cell


def raw_fields(body: str, delimiter: str) -> list[str]:
    """A record's cells as they are written, quotation marks and all."""
    if '"' not in body:
        return body.split(delimiter)
    fields: list[str] = []
    start, inside = 0, False
    for place, sign in enumerate(body):
        if sign == '"' and (inside or place == start):
            inside = not inside
        elif sign == '"' and body[place - 1] == '"' and body[start] == '"':
            inside = True  # the second of two: a mark within the cell
        elif sign == delimiter and not inside:
            fields.append(body[start:place])
            start = place + 1
    return [*fields, body[start:]]
