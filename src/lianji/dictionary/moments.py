"""Moments and spans as people write them in an address: ISO 8601, microseconds, or ``-1h``.

Pure. A time without a zone is refused rather than guessed: the plant, the browser and the reader
may sit in three zones.
"""

from __future__ import annotations

import re
from datetime import datetime

from lianji.base.clock import to_us
from lianji.base.errors import InputError, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN

_UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(us|ms|s|min|m|h|d|w)")
_RELATIVE = re.compile(rf"(?:now)?\s*([+-]?)\s*{_SPAN.pattern}")
_PLUS_LOST = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$")


def parse_moment(text: str, now_us: int) -> int:
    """Microseconds since 1970 UTC of ``now``, ``-1h``, ``1735689600000000`` or ISO 8601.

    A zone's ``+`` that an address turned into a space is understood. Raises InputError.
    """
    text = text.strip()
    if text == "now":
        return now_us
    if re.fullmatch(r"-?[0-9]{1,16}", text):
        return _bounded(int(text), text)
    relative = _RELATIVE.fullmatch(text)
    if relative and (relative[1] or text.startswith("now")):
        span = _span_us(relative[2], relative[3])
        return _bounded(now_us + (span if relative[1] == "+" else -span), text)
    try:
        moment = datetime.fromisoformat(_PLUS_LOST.sub(r"\1+\2", text))
    except ValueError as error:
        raise _not_a_time(text) from error
    if moment.tzinfo is None:
        raise InputError(
            "time-without-zone",
            Text(f"The time '{text}' has no zone.", f"时间“{text}”没有时区。"),
            Text("Add Z for UTC or an offset such as +08:00.", "请加上 Z（UTC）或 +08:00 等时区。"),
        )
    return _bounded(to_us(moment), text)


def parse_span(text: str) -> int:
    """Microseconds of ``10s``, ``1min`` or ``2h``; always above zero. Raises InputError."""
    match = _SPAN.fullmatch(text.strip())
    span = _span_us(match[1], match[2]) if match else 0
    if span <= 0:
        raise InputError(
            "span-invalid",
            Text(f"'{text}' is not a span of time.", f"“{text}”不是时间长度。"),
            Text("Write it as 10s, 1min, 2h or 7d.", "请写成 10s、1min、2h 或 7d。"),
        )
    return span


def parse_range(start: str, end: str, now_us: int) -> tuple[int, int]:
    """Start and end in microseconds. Raises InputError if they are not in this order."""
    start_us, end_us = parse_moment(start, now_us), parse_moment(end, now_us)
    if start_us >= end_us:
        raise InputError(
            "range-empty",
            Text(
                f"The start {start} is not before the end {end}.",
                f"起点 {start} 不早于终点 {end}。",
            ),
            Text("Give a start that lies before the end.", "请让起点早于终点。"),
        )
    return start_us, end_us


def _span_us(number: str, unit: str) -> int:
    return round(float(number) * _UNITS_US[unit])


def _bounded(time_us: int, text: str) -> int:
    if not TIME_US_MIN <= time_us <= TIME_US_MAX:
        raise InputError(
            "time-out-of-range",
            Text(
                f"The time '{text}' lies outside 1900 to 2200.",
                f"时间“{text}”超出 1900 至 2200 年。",
            ),
            Text(
                "A plain number means microseconds since 1970.", "纯数字表示 1970 年以来的微秒数。"
            ),
        )
    return time_us


def _not_a_time(text: str) -> InputError:
    return InputError(
        "time-invalid",
        Text(f"'{text}' is not a time.", f"“{text}”不是时间。"),
        Text(
            "Write 2026-01-31T08:00:00Z, microseconds since 1970, now or -1h.",
            "请写成 2026-01-31T08:00:00Z、1970 年以来的微秒数、now 或 -1h。",
        ),
    )
