"""Long files: a row a sample, with its tag, time, value and perhaps quality and text."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lianji.base.errors import Text
from lianji.connect.files.layout import Layout
from lianji.connect.files.names import signal_path
from lianji.connect.files.numbers import Numbers, read_numbers
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Block, Piece, Rejected, raw_text
from lianji.connect.files.wide_form import read_times, rejected_times
from lianji.dictionary.quality import Quality, is_bad, name_of

_NO_TAG = Text("the row names no tag", "该行没有标签")
_NOT_A_NUMBER = Text(
    "not a finite number; texts belong into a column 'text'",
    "不是有限的数字；文字应放在“text”列",
)
_NO_QUALITY = Text(
    "not a quality: Good, Bad, Uncertain or the high 16 bits of an OPC UA status code",
    "不是质量码：应为 Good、Bad、Uncertain 或 OPC UA 状态码的高 16 位",
)
_QUALITIES = {name_of(code).lower(): int(code) for code in Quality} | {"": 0, "ok": 0, "好": 0}


class LongReader:
    """Blocks of a long file to pieces. Names made into one path by two signals are refused."""

    def __init__(self, layout: Layout, options: ImportOptions) -> None:
        self._layout = layout
        self._prefix = options.prefix
        self._name_of_path: dict[str, str] = {}

    def piece(self, block: Block, bytes_total: int) -> Piece:
        """The samples of a block in the order of the file."""
        rejected = list(block.rejected)
        tags = self._column(block, "tag").cast(pa.string())
        values = self._values(block)
        texts = self._texts(block)
        qualities, strange = self._qualities(block)
        written = texts.is_valid().to_numpy(zero_copy_only=False)
        said = values.present | written | is_bad(qualities)
        blank = tags.is_null().to_numpy(zero_copy_only=False) & ~said & ~values.wrong
        times = read_times(self._layout, block)
        paths, numbers = self._paths(tags, ~blank, block, rejected)
        lines = set(block.lines[blank].tolist())
        late = rejected_times(self._layout, block, times)
        rejected += [entry for entry in late if entry.line not in lines]
        good = (times.problem == 0) & (numbers >= 0)
        self._reject(rejected, block, "value", values.wrong & good & ~written, _NOT_A_NUMBER)
        self._reject(rejected, block, "quality", strange & good, _NO_QUALITY)
        chosen = good & said & ~strange & (~values.wrong | written)
        rejected.sort(key=lambda entry: entry.line)
        return Piece(
            paths,
            numbers[chosen],
            times.times_us[chosen],
            values.values[chosen],
            qualities[chosen],
            texts.filter(pa.array(chosen)) if (written & chosen).any() else None,
            rejected,
            len(block),
            block.bytes_done,
            bytes_total,
        )

    def _column(self, block: Block, role: str) -> pa.Array:
        return block.columns[self._layout.roles[role]]

    def _values(self, block: Block) -> Numbers:
        if "value" in self._layout.roles:
            return read_numbers(self._column(block, "value"), self._layout.decimal_comma)
        none = np.zeros(len(block), dtype=bool)
        return Numbers(np.full(len(block), np.nan), none, none)

    def _texts(self, block: Block) -> pa.Array:
        if "text" not in self._layout.roles:
            return pa.nulls(len(block), pa.string())
        texts = self._column(block, "text").cast(pa.string())
        return pc.if_else(pc.equal(texts, ""), None, texts)

    def _qualities(self, block: Block) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Quality uint16 (n,), and where the cell is none."""
        if "quality" not in self._layout.roles:
            return np.zeros(len(block), np.uint16), np.zeros(len(block), dtype=bool)
        cells = self._column(block, "quality")
        words = cells.cast(pa.string()).fill_null("").dictionary_encode()
        codes = np.array([quality_of(word) for word in words.dictionary.to_pylist()] or [0])
        found = codes[words.indices.to_numpy()]
        return np.where(found < 0, 0, found).astype(np.uint16), found < 0

    def _paths(
        self,
        tags: pa.Array,
        asked: NDArray[np.bool_],
        block: Block,
        rejected: list[Rejected],
    ) -> tuple[list[str], NDArray[np.int32]]:
        """The paths of the rows' tags, and each row's index into them, or -1."""
        encoded = tags.fill_null("").dictionary_encode()
        paths: list[str] = []
        places: list[int] = []
        reasons: list[Text | None] = []
        for name in encoded.dictionary.to_pylist():
            path = self._path(name)
            reasons.append(path if isinstance(path, Text) else None)
            places.append(-1 if isinstance(path, Text) else len(paths))
            paths += [] if isinstance(path, Text) else [path]
        which = encoded.indices.to_numpy()
        numbers = np.array(places or [0], dtype=np.int32)[which]
        column = self._layout.names[self._layout.roles["tag"]]
        for row in np.flatnonzero((numbers < 0) & asked):
            reason = reasons[which[row]]
            assert reason is not None
            line = int(block.lines[row])
            rejected.append(Rejected(line, column, reason, raw_text(tags, int(row))))
        return paths, numbers

    def _path(self, name: str) -> str | Text:
        if not name.strip():
            return _NO_TAG
        try:
            path = signal_path(self._prefix, name)
        except ValueError as error:
            return Text(str(error), f"“{name}”不能作为标签路径")
        first = self._name_of_path.setdefault(path, name)
        if first != name:
            return Text(
                f"'{name}' would become {path}, which '{first}' already is",
                f"“{name}”会成为 {path}，而“{first}”已占用该路径",
            )
        return path

    def _reject(
        self,
        rejected: list[Rejected],
        block: Block,
        role: str,
        where: NDArray[np.bool_],
        reason: Text,
    ) -> None:
        if not where.any():
            return
        column = self._layout.names[self._layout.roles[role]]
        cells = self._column(block, role)
        for row in np.flatnonzero(where):
            raw = raw_text(cells, int(row))
            rejected.append(Rejected(int(block.lines[row]), column, reason, raw))


def quality_of(word: str) -> int:
    """The quality that a cell names, or -1. A whole 32-bit status code gives its high half."""
    plain = word.strip().lower()
    if plain in _QUALITIES:
        return _QUALITIES[plain]
    if re.fullmatch(r"\d{1,10}(\.0)?", plain):
        code = int(plain.removesuffix(".0"))
    elif re.fullmatch(r"0x[0-9a-f]{1,8}", plain):
        code = int(plain, 16)
    elif found := re.fullmatch(r"(?:good|bad|uncertain) \((0x[0-9a-f]{4})\)", plain):
        code = int(found[1], 16)
    else:
        return -1
    return code if code <= 0xFFFF else code >> 16 if code <= 0xFFFFFFFF else -1
