"""How people write a moment: patterns as regular expressions with named parts.

A pattern is chosen once for a file, by its first rows, and holds to its end. Whether 3/4 is the
third of April or the fourth of March is decided by the file or by its owner, never by us.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lianji.base.errors import InputError
from lianji.connect.files.pieces import refuse

_CLOCK = (
    r"(?:[T ,_日]\s*(?P<hour>\d{1,2})(?:[:时](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?秒?)?分?)?\s*(?P<half>[AaPp][Mm])?)?日?"
)
_ZONE = r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
_SHAPES = {
    "ymd": r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})" + _CLOCK + _ZONE,
    "dmy": r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK + _ZONE,
    "mdy": r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK + _ZONE,
    "named": r"(?P<day>\d{1,2})[- .](?P<name>[A-Za-z]{3})[- .](?P<year>\d{4})" + _CLOCK + _ZONE,
    "digits": (
        r"(?P<year>(?:19|20|21)\d{2})(?P<month>\d{2})(?P<day>\d{2})(?:[T _-]?(?P<hour>\d{2})"
        r"(?P<minute>\d{2})(?P<second>\d{2})?)?" + _ZONE
    ),
}
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0}
"""Microseconds a unit; a nanosecond is a thousandth of one."""
_EPOCH = r"^-?\d{8,19}(?:\.\d+)?$"
_LOOK_ROWS = 200_000
_SHARE_MIN = 0.3
"""A way of writing must fit this part of the first rows to be taken for the file's."""


def anchored(pattern: str) -> str:
    return rf"^\s*{pattern}\s*$"


def share(cells: pa.Array, pattern: str) -> float:
    """How many of the cells (without nulls) match, 0 to 1."""
    if not len(cells):
        return 0.0
    return float(pc.mean(pc.match_substring_regex(cells, pattern).cast(pa.float64())).as_py())


def looks_like_times(cells: pa.Array) -> bool:
    """Whether a column of text is one of times (numbers alone are none)."""
    some = cells.slice(0, 1000).drop_null()
    shapes = (shape for name, shape in _SHAPES.items() if name != "digits")
    return any(share(some, anchored(shape)) > 0.5 for shape in shapes)


def pattern_for(cells: pa.Array, wanted: str, column: str) -> str:
    """The name of an epoch, or the regular expression, that the times of a file follow.

    ``wanted`` is the option ``time_format``. Raises InputError where the file leaves it open.
    """
    if wanted in EPOCHS:
        return wanted
    if wanted in ("iso", "ymd"):
        return anchored(_SHAPES["ymd"])
    if wanted in _SHAPES:
        return anchored(_SHAPES[wanted])
    if wanted != "auto":
        return anchored(_written(wanted))
    some = cells.slice(0, _LOOK_ROWS).drop_null()
    candidates = {name: anchored(_SHAPES[name]) for name in ("ymd", "dmy", "named", "digits")}
    shares = {name: share(some, shape) for name, shape in candidates.items()}
    shares["epoch"] = share(some, _EPOCH)
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= _SHARE_MIN:
        if best == "epoch":
            return _epoch_of(some)
        return anchored(_SHAPES[_day_or_month_first(some, column) if best == "dmy" else best])
    example = some[0].as_py() if len(some) else ""
    raise refuse(
        "time-format",
        f"The times in column '{column}' are written in an unknown way, such as '{example}'.",
        f"列“{column}”的时间格式无法识别，例如“{example}”。",
        "Give the format, such as --time-format 'dd/mm/yyyy HH:MM', or another --time column.",
        "请给出格式，例如 --time-format 'dd/mm/yyyy HH:MM'，或用 --time 指定其他列。",
    )


def _day_or_month_first(cells: pa.Array, column: str) -> str:
    parts = pc.extract_regex(cells, anchored(_SHAPES["dmy"])).drop_null()
    first = parts.field("day").cast(pa.int64()).to_numpy()
    second = parts.field("month").cast(pa.int64()).to_numpy()
    day_first = bool(((first > 12) & (second <= 12)).any())
    month_first = bool(((second > 12) & (first <= 12)).any())
    if day_first != month_first or bool(np.all(first == second)):
        return "mdy" if month_first else "dmy"
    raise _undecided(cells, column)


def _undecided(cells: pa.Array, column: str) -> InputError:
    return refuse(
        "time-ambiguous",
        f"'{cells[0].as_py()}' in column '{column}' may be day/month or month/day.",
        f"列“{column}”中的“{cells[0].as_py()}”可能是日/月，也可能是月/日。",
        "Say which with --time-format dmy or --time-format mdy.",
        "请用 --time-format dmy（日/月）或 --time-format mdy（月/日）指明。",
    )


def _epoch_of(cells: pa.Array) -> str:
    numbers = pc.cast(cells.filter(pc.match_substring_regex(cells, _EPOCH)), pa.float64())
    return epoch_by_size(float(np.median(np.abs(numbers.to_numpy()))))


def epoch_by_size(typical: float) -> str:
    """The unit in which a number of this size is a time between 1973 and 2200."""
    sizes = ((1e11, "epoch_s"), (1e14, "epoch_ms"), (1e17, "epoch_us"))
    return next((name for bound, name in sizes if typical < bound), "epoch_ns")


_PERCENT = {
    "Y": r"(?P<year>\d{4})", "y": r"(?P<year>\d{2})", "m": r"(?P<month>\d{1,2})",
    "d": r"(?P<day>\d{1,2})", "H": r"(?P<hour>\d{1,2})", "I": r"(?P<hour>\d{1,2})",
    "M": r"(?P<minute>\d{1,2})", "S": r"(?P<second>\d{1,2})", "f": r"(?P<fraction>\d{1,9})",
    "p": r"(?P<half>[AaPp][Mm])", "b": r"(?P<name>[A-Za-z]{3})",
    "z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})", "%": "%",
}  # fmt: skip
_LETTERS = {
    "yyyy": "Y", "yy": "y", "mmm": "b", "dd": "d", "d": "d", "hh": "H", "h": "H", "ss": "S",
    "s": "S", "tt": "p", "am/pm": "p",
}  # fmt: skip


def _written(pattern: str) -> str:
    """A pattern as people write it (``dd/mm/yyyy HH:MM``, ``%d/%m/%Y``) as an expression."""
    seen: set[str] = set()

    def percent(found: re.Match[str]) -> str:
        return part(found[1])

    def letters(found: re.Match[str]) -> str:
        token = found[0].lower()
        if token in ("m", "mm"):
            return part("M" if "H" in seen and "M" not in seen else "m")
        return part("f" if token.startswith("f") else _LETTERS[token])

    def part(code: str) -> str:
        if code not in _PERCENT or (code in seen and code != "%"):
            raise _wrong_pattern(pattern)
        seen.add("H" if code == "I" else code)
        return _PERCENT[code]

    token: Callable[[re.Match[str]], str] = percent if "%" in pattern else letters
    tokens = r"%(.)" if "%" in pattern else r"yyyy|yy|mmm|mm?|dd?|hh?|ss?|f{1,9}|tt|am/pm"
    pieces, place = [], 0
    for found in re.finditer(tokens, pattern, re.IGNORECASE):
        pieces += [re.escape(pattern[place : found.start()]), token(found)]
        place = found.end()
    pieces.append(re.escape(pattern[place:]))
    if not ({"Y", "y"} & seen and {"m", "b"} & seen and "d" in seen):
        raise _wrong_pattern(pattern)
    expression = "".join(pieces)
    expression += r"(?:[.,](?P<fraction>\d{1,9}))?" if "S" in seen and "f" not in seen else ""
    return expression + ("" if "z" in seen else _ZONE)


def _wrong_pattern(pattern: str) -> InputError:
    return refuse(
        "time-format",
        f"'{pattern}' is not a time format: it needs a year, a month and a day, each once.",
        f"“{pattern}”不是有效的时间格式：年、月、日须各出现一次。",
        "Write it like dd/mm/yyyy HH:MM:SS or %d/%m/%Y %H:%M:%S.",
        "请写成 dd/mm/yyyy HH:MM:SS 或 %d/%m/%Y %H:%M:%S 的形式。",
    )
