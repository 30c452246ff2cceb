"""CSV in blocks of some megabytes, so that ten gigabytes need no more memory than ten megabytes.

Encoding, delimiter and header are settled from the first bytes; a block ends with a whole record.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lianji.base.errors import InputError
from lianji.connect.files.csv_blocks import BlockParser
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Block, refuse
from lianji.dictionary.csv_text import (
    check_not_foreign,
    named_delimiter,
    sniff_delimiter,
    split_lines,
    wrong_encoding,
)

BLOCK_BYTES = 8 * 1024 * 1024
_LINE_BYTES_MAX = 64 * 1024 * 1024
_HEAD_BYTES = 256 * 1024
_QUOTED_BYTES_MAX = 1024 * 1024


class CsvSource:
    """A CSV file, plain or gzip, with a header line."""

    def __init__(self, path: Path, options: ImportOptions, block_bytes: int = BLOCK_BYTES) -> None:
        self._path = path
        self._encoding = _codec(options.encoding)
        self._block_bytes = block_bytes
        self.bytes_total = path.stat().st_size
        with path.open("rb") as raw:
            head = _unpacked(raw, path).read(_HEAD_BYTES)
        check_not_foreign(head[:4096], "import")
        self._bare_returns = b"\r" in head and b"\n" not in head
        self._read_header(self._whole_lines(head), options)

    def _whole_lines(self, head: bytes) -> list[str]:
        end = head.rfind(b"\r" if self._bare_returns else b"\n") + 1
        whole = head if len(head) < _HEAD_BYTES or not end else head[:end]
        lines = self._line_ends(whole).split(b"\n")
        strange = [at for at, line in enumerate(lines) if not _is_text(line, self._encoding)]
        others = (line for at, line in enumerate(lines) if at not in strange)
        foreign = _is_text(whole, "gb18030") and all(line.isascii() for line in others)
        if strange and (strange[0] == 0 or foreign):
            raise self._wrong_encoding(whole, strange[0] + 1)
        return split_lines(whole.decode(self._encoding, "replace").removeprefix("\ufeff"))

    def _wrong_encoding(self, content: bytes, line: int) -> InputError:
        cause = wrong_encoding(content, line)
        return refuse(
            "encoding",
            cause.en,
            cause.zh,
            "Save it as UTF-8, or name its encoding (--encoding gb18030 for Chinese Excel).",
            "请另存为 UTF-8，或指明编码（中文版 Excel 用 --encoding gb18030）。",
        )

    def _read_header(self, lines: list[str], options: ImportOptions) -> None:
        skip = options.skip_lines
        while skip < len(lines) and not lines[skip].strip():
            skip += 1
        self.delimiter: str = "" if options.delimiter == "auto" else options.delimiter
        named = named_delimiter(lines[skip]) if skip < len(lines) else None
        if named:
            self.delimiter, skip = named, skip + 1
        self.delimiter = self.delimiter or sniff_delimiter(lines[skip : skip + 20])
        reader = csv.reader(lines[skip:], delimiter=self.delimiter, strict=True)
        try:
            self.names = [name.strip() for name in next(reader)]
        except (StopIteration, csv.Error) as error:
            raise refuse(
                "header",
                f"{self._path.name} has no header line.",
                f"{self._path.name} 没有表头行。",
                "Put the columns' names into the first line.",
                "请在第一行写上列名。",
            ) from error
        self._lines_above = skip + reader.line_num

    def blocks(self) -> Iterator[Block]:
        line, ordinal = 1, 0
        parser = BlockParser(self.delimiter, len(self.names), self._encoding)
        with self._path.open("rb") as raw:
            for content, last in self._byte_blocks(_unpacked(raw, self._path)):
                body = content
                while line <= self._lines_above and body:
                    body = body[body.find(b"\n") + 1 or len(body) :]
                    line += 1
                block, ordinal = parser.parse(body, line, ordinal)
                line += body.count(b"\n")
                block.bytes_done = self.bytes_total if last else min(raw.tell(), self.bytes_total)
                yield block

    def _byte_blocks(self, file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Whole records, as far as quotation marks tell, and whether they are the last ones."""
        rest = b""
        while True:
            chunk = self._read(file)
            content = self._line_ends(rest + chunk)
            if not chunk:
                if content:
                    yield content, True
                return
            end = _cut(content)
            if not end and len(content) > _LINE_BYTES_MAX:
                raise refuse(
                    "line",
                    "A line is longer than 64 MiB.",
                    "有一行超过 64 MiB。",
                    "Check that the file is CSV with line ends.",
                    "请检查文件是否为带换行的 CSV。",
                )
            rest = content[end:]
            if end:
                yield content[:end], False

    def _read(self, file: IO[bytes]) -> bytes:
        try:
            return file.read(self._block_bytes)
        except (EOFError, OSError, zlib.error) as error:
            raise refuse(
                "unreadable",
                f"{self._path.name} breaks off: {error}.",
                f"{self._path.name} 不完整：{error}。",
                "Copy the file again; what was read until there is imported.",
                "请重新复制该文件；此前读出的部分已导入。",
            ) from error

    def _line_ends(self, content: bytes) -> bytes:
        return content.replace(b"\r", b"\n") if self._bare_returns else content


def _is_text(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _cut(content: bytes) -> int:
    """Where the last whole record ends, 0 if none does: a quotation mark may still be open."""
    end = content.rfind(b"\n") + 1
    if content.count(b'"', 0, end) % 2:
        before = content.rfind(b"\n", 0, content.rfind(b'"', 0, end)) + 1
        if end - before <= _QUOTED_BYTES_MAX:
            return before
    return end


def _unpacked(raw: IO[bytes], path: Path) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw  # type: ignore[return-value]  # GzipFile reads bytes as IO does


def _codec(encoding: str) -> str:
    """The encoding's one name. Only those whose line end is one byte can be read in blocks."""
    plain = encoding.lower().replace("_", "-")
    if plain in ("utf-8", "utf8", "utf-8-sig"):
        return "utf-8"
    try:
        if "\n".encode(plain) == b"\n" and "1".encode(plain) == b"1":
            return "gb18030" if plain in ("gbk", "gb2312", "cp936") else plain
    except LookupError:
        pass
    raise refuse(
        "encoding",
        f"The encoding '{encoding}' cannot be read.",
        f"不支持编码“{encoding}”。",
        "Save the file as UTF-8.",
        "请将文件另存为 UTF-8。",
    )
