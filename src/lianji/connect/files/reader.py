"""From a file to pieces of samples: which reader, then block after block.

The same file gives the same samples in the same order every time. That a second import adds
nothing is the history's part (a sample is its tag, time and value).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from lianji.connect.files.csv_source import CsvSource
from lianji.connect.files.excel_source import ExcelSource
from lianji.connect.files.layout import layout_of
from lianji.connect.files.long_form import LongReader
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.parquet_source import ParquetSource
from lianji.connect.files.pieces import Piece, Rejected, Source, refuse
from lianji.connect.files.wide_form import WideReader

SAMPLES_MAX = 250_000


def read_file(path: Path, options: ImportOptions | None = None) -> Iterator[Piece]:
    """The samples of a file, at most some hundred thousand at a time, in the file's order.

    Bounded memory whatever the file's size. Raises InputError (codes ``import-...``) for a file
    that cannot be understood as a whole, before the first piece where it can be seen there.
    """
    options = options or ImportOptions()
    source = open_source(path, options)
    blocks = source.blocks()
    early: list[Rejected] = []
    for first in blocks:
        early += first.rejected
        if len(first):
            break
    else:
        if early:
            yield _only_rejected(early, source.bytes_total)
        return
    first.rejected = early
    layout = layout_of(source, first, options)
    reader = LongReader(layout, options) if layout.roles else WideReader(layout)
    rows = max(1, SAMPLES_MAX // max(1, len(layout.channels)))
    for block in chain([first], blocks):
        for part in block.slices(rows):
            yield reader.piece(part, source.bytes_total)


def _only_rejected(rejected: list[Rejected], size: int) -> Piece:
    none = np.empty(0)
    return Piece(
        [],
        none.astype(np.int32),
        none.astype(np.int64),
        none,
        none.astype(np.uint16),
        None,
        rejected,
        0,
        size,
        size,
    )


def open_source(path: Path, options: ImportOptions) -> Source:
    """The file behind its own kind of reader, chosen by the file's name."""
    try:
        ending = path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix
        if ending.lower() in (".xlsx", ".xlsm"):
            return ExcelSource(path, options)
        if ending.lower() in (".parquet", ".pq"):
            return ParquetSource(path)
        return CsvSource(path, options)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse(
            "unreadable",
            f"{path} cannot be read: {reason}.",
            f"无法读取 {path}：{reason}。",
            "Check the file's name and its permissions.",
            "请检查文件名和文件权限。",
        ) from error
