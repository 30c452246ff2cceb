"""What differs between two configurations, as a unified difference without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import unified_diff

from lianji.base.redaction import redacted, secrets_of, without


def unified(changes: Iterable[tuple[str, bytes | None, bytes | None]]) -> str:
    """``changes``: path, content before, content after (None: not there)."""
    return "".join(line for change in changes for line in _of_one(*change))


def _of_one(path: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    names = (path if old is not None else "/dev/null", path if new is not None else "/dev/null")
    secrets = secrets_of(old or b"") | secrets_of(new or b"")
    for line in unified_diff(_lines(old), _lines(new), *names):
        yield without(secrets, redacted(line.rstrip("\n"))) + "\n"


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8-sig", errors="replace")
    return [line + "\n" for line in text.splitlines()]
