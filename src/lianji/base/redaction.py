"""What nobody may read back: secrets in a plant's files, wherever those are shown or handed on.

A secret is the value of a key that is called so, such as ``password`` or ``secret_access_key``, the
address of a notification (a robot's key is a part of it), a user in any address, and the
password in that of the state database. ``env:NAME``
and keys that end in ``_env`` name a variable, which is no secret: one wants to know which.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

HIDDEN = "***"
"""Stands for a secret wherever one is shown; sent back in a form, it means: as it is."""
SECRET_BYTES_MIN = 4
"""A shorter secret cannot be told from any other text; only its own line is blanked."""
_NAME = r"[\w-]*(?:password|passphrase|secret|token|api_?key|access_key)[\w-]*"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_SECRET_LINE = re.compile(
    rf"""(?<![\w?&-])({_NAME}["']?\s*=\s*)("{{3}}.*?"{{3}}|'{{3}}.*?'{{3}}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[^\s,}}\#]+)""",
    re.IGNORECASE | re.DOTALL,
)
_IN_ADDRESS = re.compile(r"(\w+://)[^\s/@\"']+@")
_PASSWORD_IN_ADDRESS = re.compile(r"\w://[^:/@]*:([^@]*)@|[?&]\w*password=([^&]*)", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"([?&](?:access_token|key|\w*password|secret|sign|token)=)[^\s&\"']+", re.IGNORECASE
)


def is_secret(name: str) -> bool:
    """Whether the value of such a key is one."""
    return _SECRET_NAME.fullmatch(name) is not None and not name.endswith("_env")


def redacted(toml: str) -> str:
    """The text without the values of secrets, as far as keys and addresses tell."""

    def hidden(found: re.Match[str]) -> str:
        begin, value = found[1], _bare(found[2])
        key = begin.split("=")[0].strip(" \t\"'")
        blank = value and is_secret(key) and not value.startswith("env:")
        return f'{begin}"{HIDDEN}"' if blank else found[0]

    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", _SECRET_LINE.sub(hidden, toml))
    return _IN_QUERY.sub(rf"\1{HIDDEN}", text)


def secrets_of(content: bytes) -> set[str]:
    """The secrets in a TOML file; none of one that is no TOML, whose lines ``redacted`` blanks."""
    try:
        found = set(_secrets_in(tomllib.loads(content.decode("utf-8-sig"))))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return set()
    return {one for one in found if len(one.encode()) >= SECRET_BYTES_MIN}


def without(secrets: Iterable[str], text: str) -> str:
    """The text with none of them in it, in whatever place."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN).replace(json.dumps(secret)[1:-1], HIDDEN)
    return text


def _secrets_in(value: Any, key: str = "", part: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets_in(inner, name, part=key)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets_in(inner, key, part)
    elif is_secret(key) or (part, key) == ("notify", "url"):
        yield from [value] if isinstance(value, str) and not value.startswith("env:") else []
    elif (part, key) == ("state", "url") and isinstance(value, str):
        for found in _PASSWORD_IN_ADDRESS.finditer(value):
            given = found[1] or found[2] or ""
            yield from (given, unquote(given))


def _bare(value: str) -> str:
    """A TOML value without its quotes."""
    for quote in ('"""', "'''", '"', "'"):
        if value.startswith(quote) and value.endswith(quote) and len(value) >= 2 * len(quote):
            return value[len(quote) : -len(quote)]
    return value
