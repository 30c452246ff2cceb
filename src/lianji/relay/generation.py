"""Which of a group's hubs counts: a number that grows with each promotion, and the proof of it.

A hub tells its number with every answer, an edge the highest that it saw with every request. The
proof is the group's signature (Ed25519, RFC 8032) under the number: so no edge can talk a hub out
of its place, and whoever refuses an older hub knows why.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lianji.base.durable import make_folder, write_atomically

NUMBER_MAX = 10**12
PROOF_MAX = 100


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """A number and, in base64, the signature under it; 0 is that of who never saw any."""

    number: int
    proof: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.proof}".strip()

    @classmethod
    def parse(cls, text: str) -> Generation:
        """What stands in a file or in two headers; ``NOBODY`` for what is none."""
        number, _, proof = text.strip().partition(" ")
        if not (number.isascii() and number.isdigit()) or len(number) > 13:
            return NOBODY
        return cls(int(number), proof[:PROOF_MAX])

    @classmethod
    def signed(cls, number: int, key: Ed25519PrivateKey) -> Generation:
        return cls(number, base64.b64encode(key.sign(_said(number))).decode())

    def is_proven(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(base64.b64decode(self.proof, validate=True), _said(self.number))
        except (InvalidSignature, ValueError):
            return False
        return 0 < self.number <= NUMBER_MAX


NOBODY = Generation(0)


def _said(number: int) -> bytes:
    return b"lianji generation %d" % number


class Seen(Protocol):
    """What one side of the line knows of generations. Thread-safe."""

    def told(self) -> Generation:
        """What goes with a request; a lower one in an answer is refused."""

    def hear(self, generation: Generation) -> None:
        """A higher one stood in an answer."""


class Highest:
    """An edge's: the highest that was ever seen, kept in a file if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._highest = NOBODY
        if path is not None and path.exists():
            self._highest = Generation.parse(path.read_text(errors="replace"))

    def told(self) -> Generation:
        return self._highest

    def hear(self, generation: Generation) -> None:
        """Raises OSError: what is not on disk is not believed yet."""
        with self._lock:
            if generation.number <= self._highest.number:
                return
            if self._path is not None:
                make_folder(self._path.parent)
                write_atomically(self._path, str(generation).encode())
            self._highest = generation
