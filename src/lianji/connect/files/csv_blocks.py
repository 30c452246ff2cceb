"""Bytes of CSV to columns of text, with every line that is no row known by its number.

Three ways, the fastest first. Arrow parses a block whose lines are all rows. A block without
quotation marks is rid of its odd lines, by counting delimiters, and parsed again. Any other block
is gone through line by line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lianji.base.errors import Text
from lianji.connect.files.pieces import Block, Rejected
from lianji.dictionary.csv_text import Record, records


class _Row(NamedTuple):
    line: int
    ordinal: int
    cells: list[str]


class BlockParser:
    """Parses blocks of one file: its delimiter, number of columns and encoding."""

    def __init__(self, delimiter: str, width: int, encoding: str) -> None:
        self._delimiter = delimiter
        self._width = width
        self._encoding = encoding
        self._names = [str(number) for number in range(width)]

    def parse(self, content: bytes, line: int, ordinal: int) -> tuple[Block, int]:
        """The block of whole lines, and the ordinal of the row that follows it.

        ``line`` is the number of the first line, ``ordinal`` of the first row. Blank lines are
        passed over and are no rows.
        """
        count = content.count(b"\n") + (content != b"" and not content.endswith(b"\n"))
        columns = self._columns(content, count)
        if columns is not None:
            lines = np.arange(line, line + count, dtype=np.int64)
            ordinals = np.arange(ordinal, ordinal + count, dtype=np.int64)
            return Block(columns, lines, ordinals, 0), ordinal + count
        block = None if b'"' in content else self._without_odd_lines(content, line, ordinal)
        return block or self._line_by_line(content, line, ordinal)

    def _columns(self, content: bytes, rows: int) -> list[pa.Array] | None:
        """The columns of lines that are all rows, or None if they are not."""
        try:
            columns = self._by_arrow(content) if rows else self._from_rows([])
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        return columns if len(columns[0]) == rows else None

    def _by_arrow(self, content: bytes) -> list[pa.Array]:
        if self._encoding != "utf-8":
            content = content.decode(self._encoding).encode()
        table = pa.csv.read_csv(
            pa.BufferReader(content),
            read_options=pa.csv.ReadOptions(column_names=self._names, block_size=len(content) + 1),
            parse_options=pa.csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=True,
                invalid_row_handler=lambda _row: "skip",
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        return [column.combine_chunks() for column in table.columns]

    def _without_odd_lines(
        self, content: bytes, first: int, ordinal: int
    ) -> tuple[Block, int] | None:
        """A block without quotation marks: odd lines are looked at singly, the rest by Arrow."""
        content = content if content.endswith(b"\n") else content + b"\n"
        letters = np.frombuffer(content, np.uint8)
        ends = np.flatnonzero(letters == ord("\n"))
        starts = np.append(0, ends[:-1] + 1)
        sizes = ends - starts
        blank = (sizes == 0) | ((sizes == 1) & (letters[starts] == ord("\r")))
        cuts = np.add.reduceat(letters == ord(self._delimiter), starts, dtype=np.int64)
        even = ~blank & (cuts == self._width - 1)
        columns = self._columns(letters[np.repeat(even, sizes + 1)].tobytes(), int(even.sum()))
        if columns is None:
            return None
        ordinals = ordinal + np.cumsum(~blank) - 1
        odd: list[_Row] = []
        rejected: list[Rejected] = []
        for at in np.flatnonzero(~blank & ~even).tolist():
            lines = self._decoded(content[starts[at] : ends[at]], first + at, rejected)
            for record in records(lines, self._delimiter, first + at):
                self._take(record, int(ordinals[at]), odd, rejected)
        at_even = np.flatnonzero(even)
        block = Block(columns, first + at_even, ordinals[at_even], 0, rejected)
        return self._merged(block, odd), ordinal + int((~blank).sum())

    def _line_by_line(self, content: bytes, first: int, ordinal: int) -> tuple[Block, int]:
        rows: list[_Row] = []
        rejected: list[Rejected] = []
        lines: list[str] = []
        for number, raw in enumerate(content.split(b"\n"), first):
            lines += self._decoded(raw, number, rejected) or ["?\n"]
        broken = {entry.line for entry in rejected}
        for record in records(lines, self._delimiter, first, self._width):
            if record.line not in broken:
                self._take(record, ordinal, rows, rejected)
            ordinal += 1
        rejected.sort(key=lambda entry: entry.line)
        none = np.empty(0, np.int64)
        return self._merged(Block(self._from_rows([]), none, none, 0, rejected), rows), ordinal

    def _decoded(self, raw: bytes, line: int, rejected: list[Rejected]) -> list[str]:
        """The line as text; none, and a rejected line, where it is none."""
        try:
            return [raw.decode(self._encoding) + "\n"]
        except UnicodeDecodeError:
            text = Text(f"not encoded as {self._encoding}", f"不是 {self._encoding} 编码")
            rejected.append(Rejected(line, "", text, repr(raw)[:200]))
            return []

    def _take(
        self, record: Record, ordinal: int, rows: list[_Row], rejected: list[Rejected]
    ) -> None:
        """Take a record as a row, less the empty cells that a trailing delimiter makes."""
        end, problem = len(record.cells), record.problem
        while end > self._width and not record.cells[end - 1]:
            end -= 1
        if problem is None and end != self._width:
            problem = Text(
                f"has {end} cells, the header has {self._width}",
                f"有 {end} 个单元格，而表头有 {self._width} 个",
            )
        if problem is None:
            rows.append(_Row(record.line, ordinal, record.cells[:end]))
        else:
            raw = record.raw or self._delimiter.join(record.cells)
            rejected.append(Rejected(record.line, "", problem, raw[:200]))

    def _from_rows(self, rows: list[_Row]) -> list[pa.Array]:
        return [
            pa.array([row.cells[number] or None for row in rows], pa.string())
            for number in range(self._width)
        ]

    def _merged(self, block: Block, rows: list[_Row]) -> Block:
        """The block and further rows, in the order of their lines."""
        if not rows:
            return block
        lines = np.concatenate([block.lines, [row.line for row in rows]])
        ordinals = np.concatenate([block.ordinals, [row.ordinal for row in rows]])
        order = np.argsort(lines, kind="stable")
        columns = [
            pc.take(pa.concat_arrays([have, more]), pa.array(order))
            for have, more in zip(block.columns, self._from_rows(rows), strict=True)
        ]
        return Block(columns, lines[order], ordinals[order], 0, block.rejected)
