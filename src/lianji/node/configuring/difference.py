"""What differs between two configurations, as a unified difference without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import unified_diff

_SECRET = re.compile(r"^(.?\s*\w*(?:password|secret|token)\s*=\s*).*$", re.IGNORECASE)


def unified(changes: Iterable[tuple[str, bytes | None, bytes | None]]) -> str:
    """``changes``: path, content before, content after (None: not there)."""
    return "".join(line for change in changes for line in _of_one(*change))


def _of_one(path: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    names = (path if old is not None else "/dev/null", path if new is not None else "/dev/null")
    for line in unified_diff(_lines(old), _lines(new), *names):
        told = _SECRET.sub(r"\g<1>***", line.rstrip("\n"))
        yield told + "\n"


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8-sig", errors="replace")
    return [line + "\n" for line in text.splitlines()]
