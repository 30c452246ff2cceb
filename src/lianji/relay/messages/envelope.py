"""A message of a hub to one edge: what is signed, and how it is written on the line.

Signed (Ed25519, RFC 8032) is a line that says what this is, and the canonical JSON of all fields:
sorted keys, no spaces, ASCII, integers and texts only. The content is in it by its SHA-256. The
edge's name is in it too, so no message is good for another edge.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lianji.relay.messages.refusals import forged, unreadable

HEAD = b"lianji message 1\n"
NAME_MAX = 128
_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WHOLE_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that is signed. Times are microseconds since 1970 UTC, ``length`` is bytes."""

    id: str
    """32 hex digits, never used twice."""
    edge: str
    kind: str
    name: str
    """Of the bundle, the command, the table; what it means depends on the kind."""
    version: int
    """Grows within one edge and kind."""
    created_us: int
    expires_us: int
    digest: str
    """SHA-256 of the content, 64 hex digits."""
    length: int

    def canonical(self) -> bytes:
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return HEAD + text.encode("ascii")


@dataclass(frozen=True, slots=True)
class Signed:
    """An envelope, its signature, and the content where that is small enough to go with it."""

    envelope: Envelope
    signature: bytes
    content: bytes | None = None

    @classmethod
    def by(cls, key: Ed25519PrivateKey, envelope: Envelope, content: bytes | None = None) -> Self:
        return cls(envelope, key.sign(envelope.canonical()), content)

    def check(self, key: Ed25519PublicKey) -> None:
        """Raises Untrusted if the holder of the key did not sign exactly this."""
        try:
            key.verify(self.signature, self.envelope.canonical())
        except InvalidSignature as error:
            raise forged() from error

    def as_json(self) -> dict[str, Any]:
        told = {**asdict(self.envelope), "signature": _text(self.signature)}
        return told if self.content is None else {**told, "content": _text(self.content)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Raises InputError for what is no message."""
        try:
            content = told.get("content")
            return cls(
                _envelope(told),
                _bytes(told["signature"]),
                None if content is None else _bytes(content),
            )
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise unreadable(str(error)) from error


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def _envelope(told: Mapping[str, Any]) -> Envelope:
    texts = {name: told[name] for name in ("id", "edge", "kind", "name", "digest")}
    whole = {name: told[name] for name in ("version", "created_us", "expires_us", "length")}
    for name, text in texts.items():
        if not isinstance(text, str) or len(text) > NAME_MAX:
            raise ValueError(f"{name} is no short text")
    for name, number in whole.items():
        if type(number) is not int or not 0 <= number <= _WHOLE_MAX:
            raise ValueError(f"{name} is no whole number")
    if not _ID.fullmatch(texts["id"]) or not _DIGEST.fullmatch(texts["digest"]):
        raise ValueError("id or digest is not hexadecimal")
    return Envelope(**texts, **whole)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a part that should be base64 is no text")
    return base64.b64decode(text, validate=True)
