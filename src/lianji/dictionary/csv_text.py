"""CSV as people really save it: the encoding, the delimiter and records that survive a stray quote.

Pure: bytes and lines in, cells out. A quotation mark that is opened and never closed costs its
own line and not the rest of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lianji.base.errors import InputError, Text

DELIMITERS = ",;\t|"
_SAVE_AS = Text(
    "Save it as 'CSV UTF-8 (comma delimited)' in Excel, or with encoding UTF-8 in any editor.",
    "请在 Excel 中另存为“CSV UTF-8（逗号分隔）”，或在编辑器中以 UTF-8 编码保存。",
)


_UNCLOSED = Text("a quotation mark is opened and not closed properly", "引号有开头，没有正确的结尾")


class Record(NamedTuple):
    """One record: the number of its first line (from 1), its cells, or why it has none."""

    line: int
    cells: list[str]
    problem: Text | None = None
    raw: str = ""


def decoded(content: bytes, code: str) -> str:
    """The text of a UTF-8 file, with or without BOM. Anything else is refused and named.

    Raises InputError ``<code>-encoding``: guessing an encoding would garble names for ever.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        cause = wrong_encoding(content, line)
    raise InputError(f"{code}-encoding", cause, _SAVE_AS)


def check_not_foreign(head: bytes, code: str) -> None:
    """Refuse what is no text file at all, by its first bytes: a workbook or UTF-16."""
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        cause = Text("The file is an Excel workbook, not CSV.", "该文件是 Excel 工作簿，不是 CSV。")
        raise InputError(f"{code}-format", cause, _SAVE_AS)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
        cause = Text(
            "The file is encoded as UTF-16 (Excel's 'Unicode text') or is not text.",
            "该文件为 UTF-16 编码（Excel 的“Unicode 文本”），或不是文本文件。",
        )
        raise InputError(f"{code}-encoding", cause, _SAVE_AS)


def wrong_encoding(content: bytes, line: int) -> Text:
    """Say what the bytes look like that are not UTF-8."""
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return Text(
            f"The file is not encoded as UTF-8 (line {line}).",
            f"文件不是 UTF-8 编码（第 {line} 行）。",
        )
    return Text(
        f"The file is not UTF-8 (line {line}); it looks like GBK (GB18030), which Chinese Excel "
        "writes as plain CSV.",
        f"文件不是 UTF-8（第 {line} 行），看起来是 GBK（GB18030）编码，即中文版 Excel 的普通 CSV。",
    )


def split_lines(text: str) -> list[str]:
    """Physical lines with their ends; CRLF, LF and a lone CR end a line, nothing else does."""
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def named_delimiter(line: str) -> str | None:
    """The delimiter that Excel's own first line ``sep=;`` names."""
    plain = line.strip().lower()
    return plain[4] if plain.startswith("sep=") and len(plain) == 5 else None


def sniff_delimiter(lines: Sequence[str]) -> str:
    """The delimiter of the header and of the lines below it; a comma where there is none.

    Takes the one that splits the header and most of the lines into equally many cells, so that
    the comma in ``pressure (bar, abs)`` does not win over the semicolons.
    """

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(record.cells) for record in records(lines, delimiter)]
        if not widths or widths[0] < 2:
            return (0, 0)
        return (sum(width == widths[0] for width in widths), widths[0])

    return max(DELIMITERS, key=score)


def _from(lines: Sequence[str], place: int) -> Iterator[str]:
    return (lines[index] for index in range(place, len(lines)))


def records(
    lines: Sequence[str], delimiter: str, first: int = 1, width: int | None = None
) -> Iterator[Record]:
    """Split lines into records; blank lines are passed over. ``first`` is the first line's number.

    A record over several lines that is broken, or that has not ``width`` cells where that is
    given, is given up: only its first line is a problem, and the next line starts afresh.
    """
    place = 0
    while place < len(lines):
        line, number = lines[place], first + place
        if '"' not in line:
            place += 1
            cells = line.rstrip("\r\n").split(delimiter)
            if len(cells) > 1 or cells[0]:
                yield Record(number, cells)
            continue
        reader = csv.reader(_from(lines, place), delimiter=delimiter, strict=True)
        try:
            cells, problem = next(reader), None
        except csv.Error as error:
            cells, problem = [], Text(f"not valid CSV: {error}", f"不是有效的 CSV：{error}")
        if reader.line_num > 1 and (problem or width not in (None, len(cells))):
            problem = _UNCLOSED
        place += 1 if problem else reader.line_num
        yield Record(number, cells, problem, line.rstrip("\r\n") if problem else "")
