"""Random secrets of 256 bits, and what is kept of them: a SHA-256, which is enough for what nobody
can guess (passwords are another matter)."""

from __future__ import annotations

import hashlib
import hmac
import secrets

BYTES = 32
PREFIX = "lianji_"
"""Of tokens: people, and programs that look for leaked secrets, know one when they see it."""


def new_secret(prefix: str = "") -> str:
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def bound(secret: str, to: str) -> str:
    """A text that only the holder of the secret can have made for this purpose."""
    return hmac.new(secret.encode(), to.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compared in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
