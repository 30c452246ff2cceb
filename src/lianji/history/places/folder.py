"""A table in a folder: every file is synced before anybody is told that it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from lianji.base.durable import make_folder, sync_file, sync_folder, write_atomically
from lianji.base.ids import new_id
from lianji.history.places.at_once import at_once

SYNCED_AT_ONCE = 16
FOLDERS_KNOWN_MAX = 10_000


class FolderPlace:
    """A folder of this machine. Raises OSError as the file system does."""

    reads_ahead = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._durable: set[Path] = set()
        """Folders of data files whose names are known to be on disk."""

    @property
    def url(self) -> str:
        return str(self.folder)

    # -- small files that are written whole: the log -----------------------------------------

    def create(self, name: str, content: bytes) -> bool:
        """Durably and whole, or not at all; False if there is such a name already."""
        path = self.folder / name
        make_folder(path.parent)
        draft = path.with_name(f".{path.name}.{new_id().hex()}.tmp")
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
        return True

    def replace(self, name: str, content: bytes) -> None:
        make_folder((self.folder / name).parent)
        write_atomically(self.folder / name, content)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def settle(self, name: str) -> None:
        """Make durable that a name is there, or that it is gone, whoever saw to it."""
        path = self.folder / name
        if path.exists():
            sync_file(path)
        sync_folder(path.parent)

    # -- data files ------------------------------------------------------------------------

    def local_draft(self, name: str) -> Path:
        """Where the file is to be written, before ``keep`` makes it durable."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def keep(self, name: str) -> int:
        """Make a written draft durable, and the folders that it lies in; its size in bytes."""
        return self.keep_all([name])[0]

    def keep_all(self, names: Sequence[str]) -> list[int]:
        """``keep`` for several: files are synced at once, and each folder once."""
        paths = [self.folder / name for name in names]
        at_once(sync_file, paths, SYNCED_AT_ONCE)
        folders = {path.parent for path in paths}
        fresh = {one for folder in folders for one in self._fresh(folder)}
        at_once(sync_folder, list(folders | {one.parent for one in fresh}), SYNCED_AT_ONCE)
        if len(self._durable) > FOLDERS_KNOWN_MAX:
            self._durable = set()
        self._durable |= fresh
        return [path.stat().st_size for path in paths]

    def _fresh(self, folder: Path) -> Iterator[Path]:
        """A folder and those it lies in, below this place's own (which its log has made), as far as
        nobody knows that they are durable."""
        while folder != self.folder and folder not in self._durable:
            yield folder
            folder = folder.parent

    def open(self, name: str) -> pa.NativeFile:
        return pa.memory_map(str(self.folder / name))

    def remove(self, names: Sequence[str]) -> None:
        """Missing ones are fine."""
        folders = set()
        for name in names:
            path = self.folder / name
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in folders:
            if folder.is_dir():
                sync_folder(folder)

    def names(self, prefix: str = "") -> Iterator[tuple[str, int, int]]:
        """Name, bytes and when it was written (us since 1970) of every file below a prefix."""
        below = self.folder / prefix if prefix else self.folder
        for path in sorted(below.rglob("*")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(self.folder).as_posix()
                yield name, stat.st_size, stat.st_mtime_ns // 1000
