"""A folder of checkpoints: how one comes to be there, and how old ones go.

    00000007-step-1200/data       the chunks, in whole pages
    00000007-step-1200/manifest   what they are; a folder without one is no checkpoint
    latest                        the name of the newest, for people and programs
    .draft-*, .gone-*             on the way in and out; removed by the next who writes here

Order of a commit: data synced, manifest synced, draft folder synced, renamed, this folder synced,
then ``latest``, then retention. The name of a checkpoint is never used twice.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import weakref
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import StorageError
from lianji.learn.checkpoint import faults, manifest
from lianji.learn.checkpoint.manifest import Manifest
from lianji.learn.checkpoint.reading import Read, reading_files

LATEST = "latest"
DRAFT, GONE, LOCK = ".draft-", ".gone-", ".lock"
_written_here: set[Path] = set()
_written_here_lock = threading.Lock()


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def names(self) -> list[str]:
        """All checkpoints, damaged ones too, the oldest first."""
        if not self.path.is_dir():
            return []
        found = (entry.name for entry in self.path.iterdir())
        there = [n for n in found if manifest.is_name(n) and self._manifest(n).is_file()]
        return sorted(there, key=manifest.serial_of)

    def manifest(self, name: str) -> Manifest:
        """Raises StorageError if it is damaged."""
        try:
            content = self._manifest(name).read_bytes()
        except OSError as error:
            raise faults.damaged(name, str(error), str(error)) from error
        return Manifest.from_bytes(content, name)

    def next_name(self, step: int, serial_min: int = 1) -> str:
        taken = (p.name for p in self.path.iterdir() if manifest.is_name(p.name))
        serial = max((manifest.serial_of(name) + 1 for name in taken), default=1)
        return manifest.name_of(max(serial, serial_min), step)

    def data(self, file: str) -> Path:
        return self.path / file

    def reading(self) -> AbstractContextManager[Read]:
        return reading_files(self.data)

    # -- writing -----------------------------------------------------------------------------

    def lock(self) -> None:
        """Be the one who writes here, and clear up behind those who died. Raises Busy.

        The lock is the process's (POSIX): forks have it not, and it ends with the process.
        """
        if self._lock is not None:
            return
        make_folder(self.path)
        place = self.path.resolve()
        with _written_here_lock:
            if place in _written_here:
                raise faults.in_use(self.path)
            file = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(file)
                raise faults.in_use(self.path) from error
            _written_here.add(place)
        self._lock = file
        self._unlock = weakref.finalize(self, _unlock, place, file)
        self._clear()

    def unlock(self) -> None:
        if self._lock is not None:
            self._unlock()
            self._lock = None

    def _clear(self) -> None:
        for entry in list(self.path.iterdir()):
            if entry.name.startswith((DRAFT, GONE)):
                shutil.rmtree(entry, ignore_errors=True)

    def draft(self, name: str) -> Path:
        """A new empty folder, where the data files of ``name`` are to be written."""
        path = self.path / f"{DRAFT}{name}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def commit(self, told: Manifest) -> None:
        """The draft becomes the checkpoint; its data files must be synced already."""
        draft = self.path / f"{DRAFT}{told.name}"
        _write_synced(draft / manifest.FILE, told.to_bytes())
        sync_folder(draft)
        draft.rename(self.path / told.name)
        sync_folder(self.path)
        write_atomically(self.path / LATEST, told.name.encode() + b"\n")

    def abandon(self, name: str) -> None:
        shutil.rmtree(self.path / f"{DRAFT}{name}", ignore_errors=True)

    # -- retention -----------------------------------------------------------------------------

    def retain(self, keep: int, verified: Iterable[str], damaged: Iterable[str]) -> None:
        """Let all but the newest ``keep`` go. The newest verified one stays, and so does what the
        staying ones refer to: of a checkpoint that only lends data, the manifest goes.

        Damaged ones do not count, and go when ``keep`` newer ones stay.
        """
        good: list[str] = []
        needed: set[str] = set()
        bad = set(damaged)
        there = self.names()
        newest_verified = max(set(verified) & set(there), key=manifest.serial_of, default=None)
        for name in reversed(there):
            if name in bad or (len(good) >= keep and name != newest_verified):
                continue
            try:
                needed |= self.manifest(name).owners
            except StorageError:
                continue  # counts for nothing: it cannot be restored
            good.append(name)
        if len(good) < keep:
            return
        oldest = min(map(manifest.serial_of, good))
        for entry in list(self.path.iterdir()):
            name = entry.name
            if manifest.is_name(name) and name not in good and manifest.serial_of(name) < oldest:
                self._let_go(name, lends=name in needed)

    def _let_go(self, name: str, lends: bool) -> None:
        if lends:
            self._manifest(name).unlink(missing_ok=True)
            return
        gone = self.path / f"{GONE}{name}"
        (self.path / name).rename(gone)  # first, so that half of one is never taken for whole
        shutil.rmtree(gone)

    def _manifest(self, name: str) -> Path:
        return self.path / name / manifest.FILE


def _unlock(place: Path, file: int) -> None:
    with _written_here_lock:
        _written_here.discard(place)
        os.close(file)


def _write_synced(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        at = 0
        while at < len(content):
            at += os.pwrite(file, content[at:], at)
        os.fsync(file)
    finally:
        os.close(file)
