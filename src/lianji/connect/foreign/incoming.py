"""A table as it comes in: recognised by what it holds, and read as what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lianji.base.errors import InputError, Text
from lianji.connect.foreign import ignition, kepware, neuron
from lianji.connect.foreign.taking import Into, order_of
from lianji.dictionary.sheet import decoded_somehow, sheet_of
from lianji.dictionary.tag_table import Imported, read_sheet

__all__ = ["Incoming", "Into", "incoming", "order_of"]

Format = Literal["lianji", "kepware", "neuron", "ignition"]
ROWS_MAX = 300_000


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
        text, _ = decoded_somehow(content, "tag-table")
        return Incoming("ignition", "json", _few(ignition.read(text, into)))
    _check_rows(content)
    sheet = sheet_of(content)
    names = {name.strip().casefold() for name in sheet.header}
    if names >= kepware.NEEDED:
        return Incoming("kepware", sheet.encoding, _few(kepware.read(sheet, into)))
    if names >= neuron.NEEDED and "path" not in names:
        return Incoming("neuron", sheet.encoding, _few(neuron.read(sheet, into)))
    return Incoming("lianji", sheet.encoding, _few(read_sheet(sheet)))


def _check_rows(content: bytes) -> None:
    """Text tells its lines before anything is taken apart; so nothing grows without a bound."""
    if not content.startswith(b"PK") and content.count(b"\n") > ROWS_MAX:
        raise _too_long()


def _few(imported: Imported) -> Imported:
    if len(imported.tags) + len(imported.rejected) > ROWS_MAX:
        raise _too_long()
    return imported


def _too_long() -> InputError:
    return InputError(
        "tag-table-size",
        Text(f"The table has more than {ROWS_MAX:,} rows.", f"该表超过 {ROWS_MAX} 行。"),
        Text("Split the table into several files.", "请将表格拆分为多个文件。"),
    )
