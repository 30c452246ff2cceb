"""The grammar of InfluxDB line protocol, one line at a time.

This is the exact and slow reading: it decides what a line means and why a bad one is refused. The
columns of ``line_columns`` must agree with it on every input, which the tests hold it to.

Source: influxdata/line-protocol, ``line-protocol.ebnf`` (versions 1 and 2 of InfluxDB write it).
Two points go by the reference pages of InfluxDB instead: within a string only ``\\"`` and ``\\\\``
are escapes, so a Windows path stays as it is, and a comment may hold anything. A string may run
over several lines.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lianji.base.errors import Text

_NAME = rb"(?:[^\x00-\x20\x7f\\,=]++|\\++[^\\\x00-\x1f\x7f])++"
_SERIES = rb"(?!#)(?:[^\x00-\x20\x7f\\,]++|\\++[^\\\x00-\x1f\x7f])++(?:,%b=%b)*+" % (_NAME, _NAME)
_NUMBER = rb"-?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_BOOLEAN = rb"t(?:rue)?|T(?:rue|RUE)?|f(?:alse)?|F(?:alse|ALSE)?"
_STRING = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'

_NAME_ALONE = re.compile(_NAME)
_SERIES_ALONE = re.compile(_SERIES)
_NOTHING = re.compile(rb" *+(?:#[^\n]*+|\r?)(?=\n|\Z)")
_HEAD = re.compile(rb" *+(%b) ++" % _SERIES)
_FIELD = re.compile(
    rb"(%b)=(?:(%b)([iu]?)|(%b)|%b)" % (_NAME, _NUMBER, _BOOLEAN, _STRING), re.DOTALL
)
_TAIL = re.compile(rb"(?: ++(-?[0-9]++))? *+\r?(?=\n|\Z)")
_STRING_ESCAPE = re.compile(rb'\\(["\\])')

_INTEGER_DIGITS_MAX = 20
_INTEGER_RANGE = {b"i": (-(2**63), 2**63 - 1), b"u": (0, 2**64 - 1)}

LINE_BYTES_MAX = 1 << 20
"""Of a line without the further lines of its strings."""
_SERIES_BYTES_MAX = 65_535
"""As InfluxDB has it."""

SERIES_WRONG = Text(
    "The line does not begin with a measurement, tags as key=value, and a space.",
    "该行开头不是“测量名,标签键=标签值 ”的形式（其后应有一个空格）。",
)
FIELD_WRONG = Text(
    "A field is not of the form key=value with a number, a boolean or a string in double quotes.",
    "字段不是“键=值”的形式；值应为数字、布尔值或双引号括起的字符串。",
)
TAIL_WRONG = Text(
    "After the fields only a whole-number timestamp may follow.",
    "字段之后只能是一个整数时间戳。",
)
NUMBER_WRONG = Text(
    "A number is too large, or an integer has a fraction, an exponent or a wrong sign.",
    "数值超出范围，或整数带有小数、指数或错误的符号。",
)
TIME_WRONG = Text(
    "The timestamp lies outside 1900 to 2200; is the precision right?",
    "时间戳超出 1900 至 2200 年，请检查时间精度设置。",
)
DUPLICATE_TAG = Text("A tag key occurs twice.", "同一标签键出现了两次。")
LINE_TOO_LONG = Text("The line is longer than 1 MiB.", "该行超过 1 MiB。")
NOT_UTF8 = Text("The line is not UTF-8.", "该行不是 UTF-8 编码。")
PATH_TOO_LONG = Text(
    "The tag path made of measurement, tags and field has more than 256 characters.",
    "由测量名、标签和字段组成的标签路径超过 256 个字符。",
)


class BadLine(Exception):
    """A line that is refused; ``reason`` says why."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Line:
    """One point. Names are raw, escapes and all; ``time`` in the body's precision, None for now.

    ``fields`` are (key, value, text): value NaN for a text. ``end`` is the place of the newline.
    """

    series: bytes
    fields: list[tuple[bytes, float, str | None]]
    time: int | None
    end: int


def is_series(series: bytes) -> bool:
    return len(series) <= _SERIES_BYTES_MAX and _SERIES_ALONE.fullmatch(series) is not None


def is_name(name: bytes) -> bool:
    return _NAME_ALONE.fullmatch(name) is not None


def read_line(body: bytes, start: int) -> Line | None:
    """The line that begins at ``start``, or None for a blank line or a comment.

    Raises BadLine; the caller goes on at the next newline.
    """
    if _NOTHING.match(body, start):
        return None
    head = _HEAD.match(body, start)
    if head is None:
        raise BadLine(SERIES_WRONG)
    fields, place = _read_fields(body, head.end())
    tail = _TAIL.match(body, place)
    if tail is None:
        raise BadLine(TAIL_WRONG)
    time = None if tail[1] is None else _integer(tail[1], b"i", TIME_WRONG)
    return Line(head[1], fields, time, tail.end())


def _read_fields(body: bytes, place: int) -> tuple[list[tuple[bytes, float, str | None]], int]:
    fields: list[tuple[bytes, float, str | None]] = []
    while True:
        found = _FIELD.match(body, place)
        if found is None:
            raise BadLine(FIELD_WRONG)
        key, number, suffix, boolean, string = found.groups()
        if number is not None:
            fields.append((key, _number(number, suffix), None))
        elif boolean is not None:
            fields.append((key, float(boolean[:1] in b"tT"), None))
        else:
            fields.append((key, math.nan, _text(string)))
        place = found.end()
        if body[place : place + 1] != b",":
            return fields, place
        place += 1


def _number(digits: bytes, suffix: bytes) -> float:
    if suffix:
        return float(_integer(digits, suffix, NUMBER_WRONG))
    value = float(digits)
    if not math.isfinite(value):
        raise BadLine(NUMBER_WRONG)
    return value


def _integer(digits: bytes, suffix: bytes, wrong: Text) -> int:
    low, high = _INTEGER_RANGE[suffix]
    magnitude = digits.removeprefix(b"-")
    significant = magnitude.lstrip(b"0") or b"0"
    if not magnitude.isdigit() or len(significant) > _INTEGER_DIGITS_MAX:
        raise BadLine(wrong)
    value = -int(significant) if digits[:1] == b"-" else int(significant)
    if not low <= value <= high or (suffix == b"u" and digits[:1] == b"-"):
        raise BadLine(wrong)
    return value


def _text(string: bytes) -> str:
    try:
        return _STRING_ESCAPE.sub(rb"\1", string).decode()
    except UnicodeDecodeError:
        raise BadLine(NOT_UTF8) from None
