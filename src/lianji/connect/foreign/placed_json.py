"""JSON whose objects know the line that they begin in, so that a refused one can be found."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from json import decoder, scanner
from typing import Any

LINE = "\x00line"
"""The key under which an object's line stands; no JSON that people write has it."""


def loads(text: str) -> Any:
    """As ``json.loads``; every object has its line (from 1) under ``LINE``.

    Raises json.JSONDecodeError, and RecursionError for what is nested too deeply.
    """
    ends = array("Q", (found.start() for found in re.finditer("\n", text)))

    class Placed(json.JSONDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.parse_object = parse_object
            self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def parse_object(s_and_end: tuple[str, int], *rest: Any, **named: Any) -> tuple[Any, int]:
        found, end = decoder.JSONObject(s_and_end, *rest, **named)  # type: ignore[attr-defined]
        found[LINE] = bisect_right(ends, s_and_end[1] - 1) + 1
        return found, end

    return Placed().decode(text)
