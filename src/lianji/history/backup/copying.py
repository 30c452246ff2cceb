"""Files on their way into a backup or out of it: durable, whole, and hashed as they pass."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import xxhash

from lianji.base.durable import make_folder, sync_folder

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """How long a file is, and its XXH3-128 in hexadecimal digits."""

    bytes: int
    xxh3_128: str


class Target:
    """A folder that takes files. What was put is durable once ``settle`` has returned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._touched: set[Path] = set()

    def copy(self, source: Path, name: str) -> Digest:
        """Copy a file as it is now; it has its name only when it is whole.

        Raises FileNotFoundError if the source is gone, OSError.
        """
        path = self._place(name)
        draft = path.with_name(f".{path.name}.tmp")
        hasher, size = xxhash.xxh3_128(), 0
        try:
            with source.open("rb") as reading, draft.open("wb") as writing:
                while chunk := reading.read(CHUNK_BYTES):
                    hasher.update(chunk)
                    size += writing.write(chunk)
                writing.flush()
                os.fsync(writing.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        return Digest(size, hasher.hexdigest())

    def write(self, name: str, content: bytes) -> Digest:
        """Put a file of this content."""
        with self._place(name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Digest(len(content), xxhash.xxh3_128_hexdigest(content))

    def settle(self) -> None:
        """Make the names durable too."""
        for folder in self._touched:
            sync_folder(folder)
        self._touched.clear()

    def _place(self, name: str) -> Path:
        path = self.folder / name
        make_folder(path.parent)
        self._touched.add(path.parent)
        return path


def digest_of(path: Path) -> Digest:
    """Raises FileNotFoundError, OSError."""
    hasher, size = xxhash.xxh3_128(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            hasher.update(chunk)
            size += len(chunk)
    return Digest(size, hasher.hexdigest())
