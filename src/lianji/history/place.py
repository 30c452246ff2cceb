"""Where a table lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """Files by name: relative, joined by ``/``."""

    @property
    def url(self) -> str: ...

    def create(self, name: str, content: bytes) -> bool: ...

    def replace(self, name: str, content: bytes) -> None: ...

    def read(self, name: str) -> bytes: ...

    def settle(self, name: str) -> None:
        """Make durable that a name is there, or that it is gone, whoever saw to it."""
        ...

    def local_draft(self, name: str) -> Path: ...

    def keep(self, name: str) -> int: ...

    def open(self, name: str) -> Any: ...

    def remove(self, names: Sequence[str]) -> None: ...

    def names(self, prefix: str = "") -> Iterator[tuple[str, int, int]]: ...
