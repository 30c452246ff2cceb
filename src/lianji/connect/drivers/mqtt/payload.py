"""Payloads as samples: plain numbers, texts, and places in JSON.

Pure, and never raises whatever the bytes are: what cannot be read becomes a sample without a
value whose quality is BAD_DECODING_ERROR, and the reason is handed back in plain words. A message
is decoded once, however many tags look into it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from lianji.base.clock import to_us
from lianji.connect.drivers.mqtt.address import Step, TopicAddress, ValueKind
from lianji.connect.drivers.mqtt.rows import NO_VALUE, Rows, is_sound_time
from lianji.dictionary.quality import Quality

PAYLOAD_BYTES_MAX = 1 << 20
LEAVES_MAX = 1000
"""How many values of one payload are shown when somebody browses."""

_GOOD = int(Quality.GOOD)
_NO_DATA = int(Quality.BAD_NO_DATA)
_UNREADABLE = int(Quality.BAD_DECODING_ERROR)
_STALE = int(Quality.UNCERTAIN_LAST_USABLE_VALUE)
_UNCERTAIN = int(Quality.UNCERTAIN)

Decoded = tuple[float, str | None, int, str]
"""Value (NaN where there is none), text, quality, and what is wrong ("" if nothing is)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a JSON payload says its time, and the zone of a time that names none."""

    path: tuple[Step, ...]
    zone: tzinfo


@dataclass(slots=True)
class Route:
    """One topic and the tags that look into its payload."""

    topic: str
    plain: list[tuple[int, ValueKind]] = field(default_factory=list)
    fields: list[tuple[int, tuple[Step, ...], ValueKind]] = field(default_factory=list)

    def add(self, number: int, address: TopicAddress) -> None:
        if address.path is None:
            self.plain.append((number, address.kind))
        else:
            self.fields.append((number, address.path, address.kind))

    def numbers(self) -> list[int]:
        return [number for number, _ in self.plain] + self.field_numbers()

    def field_numbers(self) -> list[int]:
        return [number for number, _, _ in self.fields]


def decode(
    route: Route, payload: bytes, arrived_us: int, retained: bool, clock: Clock | None, rows: Rows
) -> str:
    """Add one sample a tag of the route to ``rows``; returns what was wrong, or "".

    A sample has the payload's own time if ``clock`` finds one, else the time of arrival. A
    retained message without a time of its own says something old of unknown age: its quality
    is UNCERTAIN_LAST_USABLE_VALUE.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        reason = f"{len(payload)} bytes are more than the {PAYLOAD_BYTES_MAX} that are taken"
        return _reject(route.numbers(), arrived_us, reason, rows)
    wrong = ""
    found_quality = _STALE if retained else _GOOD
    for number, kind in route.plain:
        value, text, quality, reason = read_plain(payload, kind)
        rows.add(number, arrived_us, value, quality or found_quality, text)
        wrong = reason or wrong
    if route.fields:
        wrong = _decode_fields(route, payload, arrived_us, retained, clock, rows) or wrong
    return wrong


def _decode_fields(
    route: Route, payload: bytes, arrived_us: int, retained: bool, clock: Clock | None, rows: Rows
) -> str:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        reason = f"not JSON ({_shortened(str(error))})"
        return _reject(route.field_numbers(), arrived_us, reason, rows)
    wrong = ""
    time_us, found_quality = arrived_us, _STALE if retained else _GOOD
    if clock is not None:
        own_us = read_time(_at(document, clock.path), clock.zone)
        if own_us is None:
            wrong = "the time is missing or cannot be read, so the time of arrival stands for it"
            found_quality = found_quality or _UNCERTAIN
        else:
            time_us, found_quality = own_us, _GOOD
    for number, path, kind in route.fields:
        value, text, quality, reason = read_value(_at(document, path), kind)
        rows.add(number, time_us, value, quality or found_quality, text)
        if reason:
            wrong = reason
    return wrong


def _reject(numbers: list[int], arrived_us: int, reason: str, rows: Rows) -> str:
    for number in numbers:
        rows.add(number, arrived_us, NO_VALUE, _UNREADABLE)
    return reason


class _Missing:
    """The mark of a path that leads nowhere (None is a value of JSON)."""


_MISSING = _Missing()


def _at(document: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        kind = type(document)
        if (kind is dict and type(step) is str) or (kind is list and type(step) is int):
            try:
                document = document[step]
            except LookupError:
                return _MISSING
        else:
            return _MISSING
    return document


def read_value(found: Any, kind: ValueKind) -> Decoded:
    """A JSON value as a sample's value. ``auto`` and ``number`` take numbers, true and false."""
    if kind == "string":
        return _read_text(found)
    if type(found) is float or type(found) is int:
        try:
            value = float(found)
        except OverflowError:  # a whole number of JSON may have any number of digits
            value = math.inf
        if math.isfinite(value):
            return value, None, _GOOD, ""
        return NO_VALUE, None, _UNREADABLE, "a number that is not finite or too large"
    if type(found) is bool:
        return float(found), None, _GOOD, ""
    if found is None:
        return NO_VALUE, None, _NO_DATA, ""
    if found is _MISSING:
        return NO_VALUE, None, _UNREADABLE, "the JSON path leads nowhere"
    if type(found) is str:
        return _read_number(found)
    return NO_VALUE, None, _UNREADABLE, f"a JSON {type(found).__name__} where a value should be"


def _read_text(found: Any) -> Decoded:
    if found is None:
        return NO_VALUE, None, _NO_DATA, ""
    if found is _MISSING:
        return NO_VALUE, None, _UNREADABLE, "the JSON path leads nowhere"
    if isinstance(found, dict | list):
        return NO_VALUE, None, _UNREADABLE, f"a JSON {type(found).__name__}, not a text"
    try:
        text = found if isinstance(found, str) else json.dumps(found)
        text.encode()
    except ValueError:  # half a surrogate pair, or more digits than Python writes
        return NO_VALUE, None, _UNREADABLE, "a text that is not sound Unicode"
    return NO_VALUE, text, _GOOD, ""


def read_plain(payload: bytes, kind: ValueKind) -> Decoded:
    """A whole payload as one value: a number, true or false, or (``string``) a text."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return NO_VALUE, None, _UNREADABLE, "not UTF-8 text"
    return (NO_VALUE, text, _GOOD, "") if kind == "string" else _read_number(text)


def _read_number(text: str) -> Decoded:
    word = text.strip().lower()
    if word in ("true", "false"):
        return float(word == "true"), None, _GOOD, ""
    try:
        value = math.nan if "_" in word else float(word)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value, None, _GOOD, ""
    return NO_VALUE, None, _UNREADABLE, f"'{_shortened(text)}' is not a finite number"


def read_time(found: Any, zone: tzinfo) -> int | None:
    """Microseconds UTC of a JSON time, or None.

    Takes ISO 8601, and numbers since 1970 whose size tells seconds, milliseconds, microseconds
    or nanoseconds apart (below 1e11, 1e14, 1e17 and above).
    """
    try:
        if isinstance(found, str):
            word = found.strip()
            found = int(word) if word.isdecimal() and len(word) < 20 else word
        if isinstance(found, str):
            moment = datetime.fromisoformat(found)
            time_us = to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        elif isinstance(found, int | float) and not isinstance(found, bool):
            time_us = _since_1970_us(found)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return time_us if is_sound_time(time_us) else None


def _since_1970_us(number: float) -> int:
    size = abs(number)
    if size < 1e11:
        return round(number * 1_000_000)
    if size < 1e14:
        return round(number * 1000)
    return round(number) if size < 1e17 else int(number // 1000)


def leaves(document: Any) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """Every value of a JSON document with its path, at most LEAVES_MAX, in the order written."""
    waiting: list[tuple[tuple[Step, ...], Any]] = [((), document)]
    shown = 0
    while waiting and shown < LEAVES_MAX:
        path, found = waiting.pop()
        if isinstance(found, dict):
            waiting += [((*path, str(key)), found[key]) for key in reversed(found)]
        elif isinstance(found, list):
            places = range(min(len(found), LEAVES_MAX) - 1, -1, -1)
            waiting += [((*path, place), found[place]) for place in places]
        else:
            shown += 1
            yield path, found


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
