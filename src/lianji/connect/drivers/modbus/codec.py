"""Registers to numbers, a whole block at a time.

What can be worked out once a block (which bytes make which value, in which order) is cached in
``block.layout``; decoding is then a gather, a view and a scale for each type in the block.

Byte orders are named as on the wire: a 32-bit value whose bytes, highest first, are A B C D comes
as ABCD, CDAB (words swapped), BADC (bytes swapped in each register) or DCBA (both). With 64 bits
the same two swaps apply to four registers, with 16 bits only that of the bytes. A bit of a
register is counted after the swap. 64-bit integers beyond 2**53 lose their last digits in float64.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lianji.connect.driver import Block, Columns, Point
from lianji.connect.drivers.modbus.address import Form, Order, Space
from lianji.dictionary.quality import Quality

_DTYPES = {
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "int64": "<i8",
    "uint64": "<u8",
    "float32": "<f4",
    "float64": "<f8",
}

Index = NDArray[np.intp]
Rows = slice | Index


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Values of one type: their bytes in the answer, lowest first, and their rows.

    ``octets`` is None where they lie one behind the other from ``start`` on, as ``dtype`` says.
    """

    rows: Rows
    octets: Index | None
    dtype: np.dtype[np.generic]
    start: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Bits:
    rows: Rows
    octets: Index
    shifts: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _String:
    row: int
    octets: Index


@dataclass(frozen=True, slots=True)
class _Layout:
    numbers: tuple[_Numbers, ...]
    bits: tuple[_Bits, ...]
    strings: tuple[_String, ...]
    scale: NDArray[np.float64] | None
    divisor: NDArray[np.float64]
    """A scale that is one over a whole number is divided by instead: 373 / 10 is 37.3, while
    373 * 0.1 is 37.300000000000004."""
    offset: NDArray[np.float64]


def decode(block: Block, raw: bytes, time_us: int) -> Columns:
    """Columns in the order of ``block.points`` from an answer's data bytes.

    ``raw`` holds all of the block: two bytes a register, or eight coils a byte. NaN becomes
    BAD_SENSOR_FAILURE (makers send it for a broken wire), an infinity BAD_OUT_OF_RANGE; neither
    keeps a value.
    """
    layout: _Layout | None = block.layout
    if layout is None:
        layout = block.layout = _lay_out(block)
    octets = np.frombuffer(raw, np.uint8)
    values = np.zeros(len(block.points))
    with np.errstate(invalid="ignore", over="ignore"):
        for group in layout.numbers:
            if group.octets is None:
                values[group.rows] = np.frombuffer(raw, group.dtype, group.count, group.start)
            else:
                values[group.rows] = octets.take(group.octets).view(group.dtype)
        for bits in layout.bits:
            values[bits.rows] = octets.take(bits.octets) >> bits.shifts & 1
        if layout.scale is not None:
            values *= layout.scale
            values /= layout.divisor
            values += layout.offset
        sound = math.isfinite(values.dot(values))
    quality = np.zeros(len(values), np.uint16)
    if not sound:
        _mark_unsound(values, quality)
    texts = _read_strings(layout.strings, octets, values) if layout.strings else None
    times_us = np.empty(len(values), np.int64)
    times_us.fill(time_us)
    return Columns(block.numbers, times_us, values, quality, texts)


def _mark_unsound(values: NDArray[np.float64], quality: NDArray[np.uint16]) -> None:
    quality[np.isnan(values)] = Quality.BAD_SENSOR_FAILURE
    quality[np.isinf(values)] = Quality.BAD_OUT_OF_RANGE
    values[quality != 0] = np.nan


def _read_strings(
    strings: tuple[_String, ...], octets: NDArray[np.uint8], values: NDArray[np.float64]
) -> list[str | None]:
    texts: list[str | None] = [None] * len(values)
    for string in strings:
        texts[string.row] = _text(octets.take(string.octets).tobytes())
        values[string.row] = np.nan
    return texts


def _text(octets: bytes) -> str:
    """Up to the first NUL, without the padding; UTF-8, else GB 18030 as Chinese panels send."""
    octets = octets.split(b"\0", 1)[0].rstrip(b" ")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("gb18030", errors="replace")


def _lay_out(block: Block) -> _Layout:
    forms: list[Form] = [point.detail for point in block.points]
    numbers: dict[tuple[str, Order], list[int]] = defaultdict(list)
    bits: list[int] = []
    strings: list[_String] = []
    for row, (point, form) in enumerate(zip(block.points, forms, strict=True)):
        if form.kind == "bool":
            bits.append(row)
        elif form.kind == "string":
            where = _register_octets(point, block.start, form.order, words_swap=False)
            strings.append(_String(row, where[: form.length]))
        else:
            numbers[form.kind, form.order].append(row)
    scale = np.array([form.scale for form in forms])
    inverse = np.round(1 / scale)
    divided = (np.abs(inverse) > 1) & (1 / np.where(inverse == 0, 1, inverse) == scale)
    scaled = any(form.scale != 1.0 or form.offset != 0.0 for form in forms)
    return _Layout(
        tuple(_numbers(block, kind, rows) for (kind, _), rows in numbers.items()),
        (_bits(block, bits),) if bits else (),
        tuple(strings),
        np.where(divided, 1.0, scale) if scaled else None,
        np.where(divided, inverse, 1.0),
        np.array([form.offset for form in forms]),
    )


def _numbers(block: Block, kind: str, rows: list[int]) -> _Numbers:
    highest_first = [
        _register_octets(block.points[row], block.start, block.points[row].detail.order)
        for row in rows
    ]
    octets = np.concatenate([one[::-1] for one in highest_first])
    dtype = np.dtype(_DTYPES[kind])
    start = int(octets.min())
    ascending = np.arange(start, start + len(octets))
    if np.array_equal(octets, ascending):
        return _Numbers(_as_rows(rows), None, dtype, start, len(rows))
    if np.array_equal(octets.reshape(-1, dtype.itemsize)[:, ::-1].ravel(), ascending):
        return _Numbers(_as_rows(rows), None, dtype.newbyteorder(">"), start, len(rows))
    return _Numbers(_as_rows(rows), octets, dtype)


def _bits(block: Block, rows: list[int]) -> _Bits:
    is_coil = isinstance(block.space, Space) and block.space.holds_bits
    places = [
        divmod(point.start - block.start, 8) if is_coil else _register_bit(point, block.start)
        for point in (block.points[row] for row in rows)
    ]
    return _Bits(
        _as_rows(rows),
        np.array([octet for octet, _ in places], np.intp),
        np.array([shift for _, shift in places], np.uint8),
    )


def _register_bit(point: Point, start: int) -> tuple[int, int]:
    """The byte of an answer that holds a register's bit, and how far to shift it."""
    high, low = _register_octets(point, start, point.detail.order)
    bit = point.detail.bit or 0
    return (int(high), bit - 8) if bit >= 8 else (int(low), bit)


def _register_octets(point: Point, start: int, order: Order, words_swap: bool = True) -> Index:
    """Where a point's bytes lie in the answer, highest first."""
    octets = np.arange((point.start - start) * 2, (point.end - start) * 2).reshape(-1, 2)
    if words_swap and order in ("CDAB", "DCBA"):
        octets = octets[::-1]
    if order in ("BADC", "DCBA"):
        octets = octets[:, ::-1]
    return octets.ravel()


def _as_rows(rows: list[int]) -> Rows:
    """A slice where the rows follow one another: much cheaper to fill than an index."""
    if all(after == before + 1 for before, after in pairwise(rows)):
        return slice(rows[0], rows[-1] + 1)
    return np.array(rows, np.intp)
