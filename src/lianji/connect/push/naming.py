"""How a series of line protocol becomes a tag path.

    cpu,host=edge7,cpu=cpu0 usage_idle=98.1   ->   cpu/cpu0/edge7/usage_idle
    plant/line1,machine=m17 value=12.3        ->   plant/line1/m17/value

The path is measurement, then the tag values in the order of their tag keys (byte order, whatever
order they were sent in), then the field key. Tag keys are not part of the path. A field named
``value`` keeps its name, so that a second field can join it later. A measurement that is itself a
path keeps its slashes.

What a tag path may not hold (slashes within a part, quotes, commas, semicolons, backslashes,
control characters, white space at either end) is percent-encoded as in RFC 3986 section 2.1, and
so is a percent sign that two hexadecimal digits follow. So two different names never become one:
``/`` becomes ``%2F``, as in Telegraf's ``disk,path=/``.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from lianji.connect.push.line_grammar import (
    DUPLICATE_TAG,
    NOT_UTF8,
    SERIES_WRONG,
    BadLine,
    is_name,
    is_series,
)
from lianji.dictionary.tag import check_path

_UNSAFE = re.compile(r"%(?=[0-9A-Fa-f]{2})|[/\x00-\x1f\"'`\\,;]|^\s|\s\Z")
_COMMA = re.compile(rb"(?<!\\),")
_EQUALS = re.compile(rb"(?<!\\)=")
_NAME_ESCAPE = re.compile(rb"\\([,= ])")
_MEASUREMENT_ESCAPE = re.compile(rb"\\([, ])")


def part_of(name: str) -> str:
    """One part of a tag path for any non-empty name; different names give different parts."""
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), name)


def base_of(series: bytes) -> str:
    """``measurement/tagvalue1/tagvalue2`` of a series as it stands in the line, escapes and all.

    Raises BadLine if it is not a series.
    """
    if not is_series(series):
        raise BadLine(SERIES_WRONG)
    measurement, *tags = _COMMA.split(series)
    pairs = [_EQUALS.split(tag) for tag in tags]
    values = {_NAME_ESCAPE.sub(rb"\1", key): value for key, value in pairs}
    if len(values) != len(pairs):
        raise BadLine(DUPLICATE_TAG)
    try:
        parts = _measurement_parts(_MEASUREMENT_ESCAPE.sub(rb"\1", measurement).decode())
        for key in sorted(values):
            parts.append(part_of(_NAME_ESCAPE.sub(rb"\1", values[key]).decode()))
            key.decode()
    except UnicodeDecodeError:
        raise BadLine(NOT_UTF8) from None
    return "/".join(parts)


def leaf_of(field: bytes) -> str:
    """``/field`` of a field key as it stands in the line. Raises BadLine if it is not a key."""
    if not is_name(field):
        raise BadLine(SERIES_WRONG)
    try:
        return "/" + part_of(_NAME_ESCAPE.sub(rb"\1", field).decode())
    except UnicodeDecodeError:
        raise BadLine(NOT_UTF8) from None


def check_prefix(prefix: str) -> str:
    """The prefix itself. Raises ValueError if no tag path can begin with it."""
    if prefix:
        check_path(prefix + "x")
    return prefix


def _measurement_parts(name: str) -> list[str]:
    parts = name.split("/")
    return [part_of(part) for part in parts] if all(parts) else [part_of(name)]
