"""What all tables that people keep as CSV have in common: how one is opened and its columns named.

Tag tables and alarm tables differ in their columns and in what a row means; neither knows the
other. The bytes, the header and the words for what is wrong with them are here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

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


class Opened(NamedTuple):
    """A table as its lines; ``first`` is the index of the header's line."""

    lines: list[str]
    first: int
    delimiter: str


class Rows(NamedTuple):
    """The field of each column ("" for one without a name), and the records below the header."""

    columns: list[str]
    records: Iterator[Record]
    delimiter: str


@dataclass(frozen=True, slots=True)
class TableForm:
    """One kind of table."""

    code: str
    """What its errors' codes begin with, such as ``tag-table``."""
    columns: tuple[str, ...]
    aliases: Mapping[str, str]
    """Other names of columns, in lower case."""
    needed: str
    """The column that must be there, and its name in Chinese."""
    needed_zh: str
    bytes_max: int

    def content(self, path: Path) -> bytes:
        """A table's bytes. Raises InputError ``<code>-missing`` or ``-size``."""
        size = self.bytes_max >> 20
        try:
            if path.stat().st_size > self.bytes_max:
                raise InputError(
                    f"{self.code}-size",
                    Text(f"{path} is larger than {size} MiB.", f"{path} 大于 {size} MiB。"),
                    Text("Split the table into several files.", "请将表格拆分为多个文件。"),
                )
            return path.read_bytes()
        except OSError as error:
            why = error.strerror
            raise InputError(
                f"{self.code}-missing",
                Text(f"{path} cannot be read: {why}.", f"无法读取 {path}：{why}。"),
                Text("Check the file's name and its permissions.", "请检查文件名和文件权限。"),
            ) from error

    def opened(self, content: bytes) -> Opened:
        """Raises InputError ``<code>-encoding`` or ``-format``."""
        check_not_foreign(content[:4096], self.code)
        lines = split_lines(decoded(content, self.code))
        first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
        delimiter = named_delimiter(lines[first]) if first < len(lines) else None
        if delimiter:
            return Opened(lines, first + 1, delimiter)
        return Opened(lines, first, sniff_delimiter(lines[first : first + 20]))

    def rows(self, content: bytes) -> Rows:
        """Raises InputError for the table as a whole."""
        lines, first, delimiter = self.opened(content)
        header = next(records(lines[first:], delimiter, first + 1), None)
        columns = self.columns_of(header.cells if header else [])
        body = lines[header.line :] if header else []
        begin = (header.line if header else 0) + 1
        return Rows(columns, records(body, delimiter, begin, len(columns)), delimiter)

    def columns_of(self, header: Sequence[str]) -> list[str]:
        """The field of each column. Raises InputError ``<code>-columns`` that names the wrong."""
        names = [name.strip() for name in header]
        while names and not names[-1]:
            names.pop()
        found = [self._field(name) for name in names]
        wrong = [name for name, field in zip(names, found, strict=True) if field is None]
        if wrong:
            raise self._wrong(
                f"Unknown columns: {self._nearest(wrong, '; ', 'did you mean')}.",
                f"未知的列：{self._nearest(wrong, '；', '是否为')}。",
            )
        columns = [field or "" for field in found]
        twice = sorted({field for field in columns if field and columns.count(field) > 1})
        if twice:
            raise self._wrong(
                f"Columns given twice: {', '.join(twice)}.", f"重复的列：{'、'.join(twice)}。"
            )
        if self.needed not in columns:
            raise self._wrong(
                f"The table has no column '{self.needed}'.",
                f"表格缺少“{self.needed}”（{self.needed_zh}）列。",
            )
        return columns

    def _field(self, name: str) -> str | None:
        """The field that a column's name stands for; "" for an empty name, None if unknown."""
        plain = name.lower().replace(" ", "_")
        return plain if plain in self.columns or not plain else self.aliases.get(plain)

    def _nearest(self, names: Iterable[str], joint: str, question: str) -> str:
        """The names, each with the known column that it is nearest to."""
        known = [*self.columns, *self.aliases]
        said = []
        for name in names:
            near = get_close_matches(name.lower().replace(" ", "_"), known, 1, 0.6)
            meant = self.aliases.get(near[0], near[0]) if near else ""
            said.append(f"{name} ({question} {meant}?)" if near else name)
        return joint.join(said)

    def _wrong(self, en: str, zh: str) -> InputError:
        known = ", ".join(self.columns)
        return InputError(
            f"{self.code}-columns",
            Text(en, zh),
            Text(f"Columns may be: {known}.", f"可用的列：{known}。"),
        )
