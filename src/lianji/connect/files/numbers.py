"""Cells to numbers, whole columns at a time; what Arrow cannot read is looked at singly.

Plain words for nothing (``NaN``, ``null``, ``None``) are no sample, like an empty cell; any other
text in a column of numbers is a rejected cell.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lianji.connect.files.pieces import refuse

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_COMMA_NUMBER = r"^[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?$"
_NOTHING = frozenset(("", "nan", "null", "none", "<null>", "#n/a", "n/a"))
_SWITCH = {"true": 1.0, "false": 0.0}
_TEXT_SHARE = 0.1
_LOOK_ROWS = 20_000


class Numbers(NamedTuple):
    """float64 (n,), NaN where there is none; where a number is; where something else is."""

    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def read_numbers(cells: pa.Array, decimal_comma: bool = False) -> Numbers:
    """The numbers of a column of any plain type. Infinite and unreadable cells are ``wrong``."""
    if pa.types.is_string(cells.type):
        values, wrong = _from_text(cells, decimal_comma)
    else:
        values = _to_numpy(pc.cast(cells, pa.float64(), safe=False))
        wrong = np.zeros(len(values), dtype=bool)
    wrong |= np.isinf(values)
    present = ~wrong & ~np.isnan(values)
    return Numbers(np.where(present, values, np.nan), present, wrong)


def _from_text(
    cells: pa.Array, decimal_comma: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    wrong = np.zeros(len(cells), dtype=bool)
    if not decimal_comma:
        try:
            return _to_numpy(pc.cast(cells, pa.float64())), wrong
        except pa.ArrowInvalid:
            pass
    trimmed = pc.utf8_trim_whitespace(cells)
    if decimal_comma:
        clear = pc.invert(pc.match_substring(trimmed, "."))
        trimmed = pc.replace_substring(pc.if_else(clear, trimmed, "?"), ",", ".")
    readable = pc.match_substring_regex(trimmed, _NUMBER)
    plain = pc.utf8_ltrim(pc.if_else(readable, trimmed, None), "+")
    values = _to_numpy(pc.cast(plain, pa.float64()))
    odd = np.flatnonzero(_to_numpy(pc.fill_null(pc.invert(readable), False)))
    for row in odd:
        text = trimmed[row].as_py().lower()
        if text in _SWITCH:
            values[row] = _SWITCH[text]
        elif text not in _NOTHING:
            wrong[row] = True
    return values, wrong


def _to_numpy(array: pa.Array) -> NDArray[np.float64]:
    return np.array(array.to_numpy(zero_copy_only=False))


def is_text(cells: pa.Array, decimal_comma: bool) -> bool:
    """Judge a column by its first rows: text if fewer than a tenth of its cells are numbers."""
    if pa.types.is_timestamp(cells.type):
        return True
    if not pa.types.is_string(cells.type):
        return False
    numbers = read_numbers(cells.slice(0, _LOOK_ROWS), decimal_comma)
    found, strange = int(numbers.present.sum()), int(numbers.wrong.sum())
    return strange > 0 and found < _TEXT_SHARE * (found + strange)


def uses_decimal_comma(columns: list[pa.Array], names: list[str]) -> bool:
    """Whether the numbers of a file have decimal commas, judged by its first rows.

    Raises InputError where commas could as well part thousands, or stand beside points.
    """
    with_comma: list[tuple[str, str]] = []
    points = False
    for name, cells in zip(names, columns, strict=True):
        if pa.types.is_string(cells.type):
            some = pc.utf8_trim_whitespace(cells.slice(0, _LOOK_ROWS).drop_null())
            chosen = some.filter(pc.match_substring_regex(some, _COMMA_NUMBER)).to_pylist()
            with_comma += [(name, cell) for cell in chosen]
            points |= bool(pc.any(pc.match_substring_regex(some, r"^[+-]?[0-9]*\.[0-9]+$")).as_py())
    if not with_comma:
        return False
    if points or all(re.fullmatch(r"[+-]?\d{1,3},\d{3}", cell) for _, cell in with_comma):
        name, cell = with_comma[0]
        raise refuse(
            "decimal",
            f"'{cell}' in column '{name}' may hold a decimal comma or a thousands separator.",
            f"列“{name}”中的“{cell}”里的逗号可能是小数点，也可能是千位分隔符。",
            "Say which with --decimal , or --decimal .",
            "请用 --decimal , 或 --decimal . 指明。",
        )
    return True
