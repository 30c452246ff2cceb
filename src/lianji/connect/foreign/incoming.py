"""A table as it comes in: recognised by what it holds, and read as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lianji.connect.foreign import ignition, kepware, neuron
from lianji.connect.foreign.taking import ROWS_MAX, Into, order_of, too_large, too_long
from lianji.dictionary.csv_text import Record
from lianji.dictionary.sheet import decoded_somehow, sheet_of
from lianji.dictionary.tag_table import Imported, read_sheet

__all__ = ["Incoming", "Into", "incoming", "order_of"]

Format = Literal["lianji", "kepware", "neuron", "ignition"]
JSON_BYTES_MAX = 48 << 20


@dataclass(slots=True)
class Incoming:
    """What a table gave, and what it was."""

    format: Format
    encoding: str
    imported: Imported


def incoming(content: bytes, into: Into) -> Incoming:
    """Read a table of ours, Kepware's, Neuron's or Ignition's.

    Raises InputError ``tag-table-encoding``, ``-format``, ``-columns``, ``-size``.
    """
    if content[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        if len(content) > JSON_BYTES_MAX:
            mib = JSON_BYTES_MAX >> 20
            raise too_large(f"is larger than {mib} MiB", f"大于 {mib} MiB")
        text, _ = decoded_somehow(content, "tag-table")
        return Incoming("ignition", "json", ignition.read(text, into))
    _check_rows(content)
    sheet = sheet_of(content)
    sheet.rows = _bounded(sheet.rows)
    names = {name.strip().casefold() for name in sheet.header}
    if names >= kepware.NEEDED:
        return Incoming("kepware", sheet.encoding, kepware.read(sheet, into))
    if names >= neuron.NEEDED and "path" not in names:
        return Incoming("neuron", sheet.encoding, neuron.read(sheet, into))
    return Incoming("lianji", sheet.encoding, read_sheet(sheet))


def _check_rows(content: bytes) -> None:
    """Text tells its lines before anything is taken apart; so nothing grows without a bound."""
    if not content.startswith(b"PK") and content.count(b"\n") > ROWS_MAX:
        raise too_long()


def _bounded(rows: Iterator[Record]) -> Iterator[Record]:
    for number, row in enumerate(rows):
        if number >= ROWS_MAX:
            raise too_long()
        yield row
