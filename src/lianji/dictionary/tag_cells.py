"""One row of a tag table: cells to a Tag and back, and what is wrong with it in plain words.

Text that Excel would run as a formula (it begins with ``= + - @``, and is no number) is written
with an apostrophe before it and read back without.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lianji.base.errors import Text
from lianji.dictionary.expression_words import ExpressionError
from lianji.dictionary.tag import Kind, Tag
from lianji.dictionary.units import UnitError

COLUMNS = tuple(field.name for field in fields(Tag))
NUMBERS = frozenset(("low", "high", "scale", "offset", "deadband"))
_FREE_TEXT = frozenset(("description_en", "description_zh"))
_TO_READ = {
    False: frozenset(("kind", "enumeration", "")),
    True: frozenset(("kind", "enumeration", "")) | NUMBERS,
}
"""Columns whose text is not taken as it stands, without and with decimal commas."""
_DEFAULTS = {
    field.name: None if field.default is MISSING else field.default for field in fields(Tag)
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_KINDS = {"阶跃": "step", "阶梯": "step", "stepped": "step", "线性": "linear", "连续": "linear"}
_validate = TypeAdapter(Tag).validate_python


class CellError(ValueError):
    """A cell or row that cannot become a tag; ``text`` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


_SHARED = {"device", "type", "unit"}
"""Columns that say the same in row after row: one string serves them all."""


def to_tag(row: Iterable[tuple[str, str]], decimal_comma: bool = False) -> Tag:
    """The tag that a row of cells, (column, text) pairs, describes. Raises CellError.

    Empty cells leave the default; spaces around a cell mean nothing.
    """
    given: dict[str, Any] = {column: cell for column, padded in row if (cell := padded.strip())}
    if "path" not in given:
        raise CellError(Text("path is empty", "路径（path）为空"))
    for column in _SHARED.intersection(given):
        given[column] = sys.intern(given[column])
    text = "".join(given.values())
    if "'" in text or not text.isprintable():
        _unguard(given)
    for column in _TO_READ[decimal_comma].intersection(given):
        given[column] = _read(column, given[column])
    try:
        tag = _validate(given)
    except ValidationError as error:
        raise CellError(_in_words(error, given)) from None
    for column in NUMBERS.intersection(given):
        if not math.isfinite(getattr(tag, column)):
            cell = given[column]
            raise CellError(
                Text(
                    f"{column} '{cell}' is not a finite number", f"{column} “{cell}”不是有限的数字"
                )
            )
    return tag


def _unguard(given: dict[str, str]) -> None:
    for column, cell in given.items():
        given[column] = unguarded(cell)
        if column not in _FREE_TEXT and ("\n" in cell or "\r" in cell):
            raise CellError(Text(f"{column} holds a line break", f"{column} 中有换行符"))


def _read(column: str, cell: str) -> Any:
    if column == "kind":
        return _KINDS.get(cell.lower(), cell.lower())
    if column == "enumeration":
        return read_enumeration(cell)
    if column in NUMBERS:
        return cell.replace(",", ".")
    raise CellError(Text("a cell stands in a column without a name", "有单元格位于没有列名的列中"))


def to_cells(tag: Tag) -> list[str]:
    """The cells of a tag in the order of COLUMNS; defaults are left empty."""
    return [cell_of(tag, name) for name in COLUMNS]


def cell_of(tag: Tag, column: str) -> str:
    """One cell of a tag; empty for a default."""
    return _write(column, getattr(tag, column))


def _write(column: str, value: Any) -> str:
    if value is None or value == _DEFAULTS[column]:
        return ""
    if isinstance(value, Kind):
        return value.value
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, dict):
        return guarded(write_enumeration(value))
    return guarded(str(value))


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    if not text.lstrip("'").startswith(_FORMULA) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def unguarded(cell: str) -> str:
    """What ``guarded`` was given."""
    if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell


def write_enumeration(meanings: Mapping[int, str]) -> str:
    """``0=stopped;1=running``; a semicolon or backslash in a label has a backslash before it."""
    labels = ((number, re.sub(r"([\\;])", r"\\\1", label)) for number, label in meanings.items())
    return ";".join(f"{number}={label}" for number, label in labels)


def read_enumeration(cell: str) -> dict[int, str]:
    """What ``write_enumeration`` wrote. Raises CellError, also for a number given twice."""
    meanings: dict[int, str] = {}
    for part in re.findall(r"(?:[^\\;]|\\.)+", cell):
        number, equals, label = part.partition("=")
        if not equals or not re.fullmatch(r"\s*[+-]?\d{1,18}\s*", number):
            raise CellError(
                Text(
                    f"enumeration: '{part}' is not like 0=stopped;1=running",
                    f"枚举（enumeration）：“{part}”不符合 0=停机;1=运行 的写法",
                )
            )
        if int(number) in meanings:
            raise CellError(
                Text(
                    f"enumeration: {int(number)} is given twice",
                    f"枚举（enumeration）：{int(number)} 出现了两次",
                )
            )
        meanings[int(number)] = re.sub(r"\\(.)", r"\1", label).strip()
    return meanings


_SAID: dict[str, tuple[str, str]] = {
    "float_parsing": ("is not a number", "不是数字"),
    "float_type": ("is not a number", "不是数字"),
    "int_parsing": ("is not a whole number", "不是整数"),
    "int_parsing_size": ("is too large", "数字过大"),
    "int_from_float": ("is not a whole number", "不是整数"),
    "greater_than_equal": ("is below {ge}", "小于 {ge}"),
    "less_than_equal": ("is above {le}", "大于 {le}"),
    "enum": ("is neither step nor linear", "既不是 step（阶跃）也不是 linear（线性）"),
}


def _in_words(error: ValidationError, given: Mapping[str, Any]) -> Text:
    said = [_one_in_words(entry, given) for entry in error.errors(include_url=False)]
    return Text("; ".join(text.en for text in said), "；".join(text.zh for text in said))


def _one_in_words(entry: Any, given: Mapping[str, Any]) -> Text:
    column = str(entry["loc"][0]) if entry["loc"] else ""
    context = entry.get("ctx", {})
    if entry["type"] == "value_error":
        return _said_by_the_model(column, context["error"], given)
    en, zh = _SAID.get(entry["type"], (entry["msg"], entry["msg"]))
    shown = given.get(column, "")
    return Text(
        f"{column} '{shown}' {en.format(**context)}", f"{column} “{shown}”{zh.format(**context)}"
    )


def _said_by_the_model(column: str, error: ValueError, given: Mapping[str, Any]) -> Text:
    """The Tag's own checks speak English; here is their Chinese."""
    said = str(error)
    if isinstance(error, UnitError | ExpressionError):
        return error.text
    if column == "path":
        zh = (
            f"“{given['path']}”不是有效的标签路径：各段用“/”连接，最长 256 个字符；每段不能为空，"
            "首尾不能有空格，不能含引号、逗号、分号或反斜杠"
        )
        return Text(said, zh)
    if said.startswith("the range is empty"):
        zh = f"量程为空：下限（low）{given['low']} 不小于上限（high）{given['high']}"
        return Text(said, zh)
    return Text(said, f"scale 必须是不为 0 的有限数字，offset 必须是有限数字（{said}）")
