"""Where a table lies: a folder or a bucket, behind one small interface.

What is missing is FileNotFoundError in both. A folder raises OSError as the file system does, a
bucket StorageError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """Files by name: relative, joined by ``/``."""

    reads_ahead: bool
    """Whether a reader should fetch all columns of a row group at once: true over a network."""

    @property
    def url(self) -> str: ...

    def create(self, name: str, content: bytes) -> bool:
        """Durably and whole, or not at all; False if there is such a name already."""
        ...

    def replace(self, name: str, content: bytes) -> None:
        """Durably: readers see the old content or the new."""
        ...

    def read(self, name: str) -> bytes: ...

    def settle(self, name: str) -> None:
        """Make durable that a name is there, or that it is gone, whoever saw to it."""
        ...

    def local_draft(self, name: str) -> Path:
        """Where a data file is to be written, before ``keep`` puts it in its place."""
        ...

    def keep(self, name: str) -> int:
        """Make a written draft durable under its name; its size in bytes."""
        ...

    def keep_all(self, names: Sequence[str]) -> list[int]:
        """``keep`` for several at once, which is faster than one after the other."""
        ...

    def open(self, name: str) -> Any:
        """A seekable file that Parquet readers take. Raises FileNotFoundError."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Missing ones are fine."""
        ...

    def names(self, prefix: str = "") -> Iterator[tuple[str, int, int]]:
        """Name, bytes and when it was written (us since 1970) of all below a prefix."""
        ...
