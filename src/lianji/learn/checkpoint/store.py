"""Checkpoints in an object store: the same names and the same bytes as in the folder.

An object appears whole or not at all. Data goes first and the manifest last, so a checkpoint that
is to be seen is complete. Whatever obstore opens will do: S3, Azure, Google, a folder, memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import obstore
from obstore.exceptions import BaseError

from lianji.base.errors import StorageError
from lianji.learn.checkpoint import faults, manifest
from lianji.learn.checkpoint.folder import LATEST, Folder
from lianji.learn.checkpoint.leaves import Bytes
from lianji.learn.checkpoint.manifest import Chunk, Manifest
from lianji.learn.checkpoint.reading import Read

PART_BYTES = 8 << 20
PARTS_AT_ONCE = 4


class Store:
    """``store`` is one of obstore's; give it a prefix of its own. Errors are OSError of obstore."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def names(self) -> list[str]:
        """The oldest first; only those that are complete."""
        found = []
        for page in obstore.list(self._store):
            for one in page:
                name, _, file = one["path"].partition("/")
                if manifest.is_name(name) and file == manifest.FILE:
                    found.append(name)
        return sorted(found, key=manifest.serial_of)

    def manifest(self, name: str) -> Manifest:
        try:
            content = obstore.get(self._store, f"{name}/{manifest.FILE}").bytes().to_bytes()
        except (BaseError, OSError) as error:
            raise faults.damaged(name, _short(error), _short(error)) from error
        return Manifest.from_bytes(content, name)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        def read(chunk: Chunk, into: Bytes) -> int:
            try:
                got = obstore.get_range(
                    self._store, chunk.file, start=chunk.start, length=chunk.bytes
                )
            except BaseError as error:
                raise OSError(_short(error)) from error
            content = np.frombuffer(memoryview(got), np.uint8)
            into[: len(content)] = content
            return len(content)

        yield read

    def upload(self, folder: Folder, told: Manifest) -> None:
        """Send what is not there yet of a checkpoint. Raises OSError, or obstore's BaseError."""
        for file in sorted({chunk.file for chunk in told.chunks}):
            path = folder.data(file)
            if self._size(file) != path.stat().st_size:
                obstore.put(
                    self._store,
                    file,
                    path,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        content = (folder.path / told.name / manifest.FILE).read_bytes()
        obstore.put(self._store, f"{told.name}/{manifest.FILE}", content)
        obstore.put(self._store, LATEST, told.name.encode() + b"\n")

    def retain(self, keep: int) -> None:
        """As in the folder: the newest ``keep`` and what they refer to stay."""
        names, needed = self.names(), set()
        staying = names[-keep:]
        if len(staying) < keep:
            return
        for name in staying:
            try:
                needed |= {chunk.file for chunk in self.manifest(name).chunks}
            except StorageError:
                return  # what it refers to is not known: nothing goes
        oldest = manifest.serial_of(staying[0])
        going = [f"{name}/{manifest.FILE}" for name in names[:-keep]]
        for page in obstore.list(self._store):
            for one in page:
                name, path = one["path"].partition("/")[0], one["path"]
                old = (
                    manifest.is_name(name)
                    and name not in staying
                    and manifest.serial_of(name) < oldest
                )
                if old and path not in needed and path not in going:
                    going.append(path)
        if going:
            obstore.delete(self._store, going)

    def _size(self, file: str) -> int | None:
        try:
            return obstore.head(self._store, file)["size"]
        except FileNotFoundError:
            return None


def _short(error: BaseException) -> str:
    return str(error).partition("\n\nDebug source")[0].strip()[:300]
