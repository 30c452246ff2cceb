"""The configurations that were, on disk: who changed what and when, and every byte of it.

``data/versions/<number>.json`` is a version, ``objects/<sha256>`` a file's content, which many
versions share. ``intent.json`` names a version whose files are being written: its appearance is
the moment from which a change happens as a whole, whatever crashes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import NotFound, StorageError, Text
from lianji.node.configuring.places import hash_of
from lianji.web.status import Fault

VERSIONS_MAX = 100

How = Literal["start", "change", "hand", "undo", "restore", "rollback"]


class Version(BaseModel):
    """One configuration: its files by the hash of their content, and how it came about."""

    id: str
    time_us: int
    author: str = ""
    note: str = ""
    how: How = "change"
    files: dict[str, str]
    change: dict[str, tuple[str | None, str | None]] = Field(default_factory=dict)
    """Path -> the hashes of its content before and after; None: not there."""
    rolled_back: Fault | None = None
    """Why it was taken back by itself."""

    @property
    def number(self) -> int:
        return int(self.id)

    @property
    def paths(self) -> list[str]:
        """The files that it changed."""
        return sorted(self.change)


class Versions:
    """The folder of versions. One writer at a time, also among processes: see ``turn``."""

    def __init__(self, folder: Path, versions_max: int = VERSIONS_MAX) -> None:
        self.folder = folder
        self._objects = folder / "objects"
        self._max = versions_max
        make_folder(self._objects.resolve())
        folder.chmod(0o700)  # device files may hold passwords

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone among all processes."""
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def all(self) -> list[Version]:
        """Oldest first. A version that cannot be read is left out."""
        found = []
        for path in self.folder.glob("[0-9]*.json"):
            with suppress(OSError, ValidationError):
                found.append(Version.model_validate_json(path.read_bytes()))
        return sorted(found, key=lambda version: version.number)

    def newest(self) -> Version | None:
        numbers = sorted((int(path.stem) for path in self.folder.glob("[0-9]*.json")), reverse=True)
        for number in numbers:
            with suppress(OSError, ValidationError):
                return Version.model_validate_json(self._path(number).read_bytes())
        return None

    def newest_path(self) -> Path | None:
        return max(self.folder.glob("[0-9]*.json"), default=None)

    def get(self, identity: str) -> Version:
        """Raises NotFound for a version that is not kept."""
        try:
            return Version.model_validate_json(self._path(int(identity)).read_bytes())
        except (ValueError, OSError, ValidationError) as error:
            raise NotFound(
                "version-unknown",
                Text(f"There is no version '{identity}'.", f"没有版本“{identity}”。"),
                Text(
                    f"See `lianji config versions`; the last {self._max} are kept.",
                    f"请查看 `lianji config versions`；保留最近 {self._max} 个版本。",
                ),
            ) from error

    def content(self, key: str | None) -> bytes | None:
        """A file's content by its hash. Raises StorageError if it is lost or damaged."""
        if key is None:
            return None
        try:
            content = (self._objects / key).read_bytes()
        except FileNotFoundError as error:
            raise _lost(self._objects / key, "it is missing", "文件缺失") from error
        if hash_of(content) != key:
            raise _lost(self._objects / key, "it is damaged", "文件已损坏")
        return content

    def files(self, version: Version) -> dict[str, bytes]:
        return {path: self.content(key) or b"" for path, key in version.files.items()}

    def put(self, content: bytes) -> str:
        """Keep a content; returns its hash once it is on disk."""
        key = hash_of(content)
        path = self._objects / key
        if not path.exists() or path.stat().st_size != len(content):
            write_atomically(path, content)
        return key

    def write(self, version: Version) -> None:
        write_atomically(self._path(version.number), version.model_dump_json().encode())

    # -- the change that is on its way -------------------------------------------------------

    def begin(self, version: Version) -> None:
        """From here on the change happens, also after a crash."""
        write_atomically(self._intent, version.model_dump_json().encode())

    def begun(self) -> Version | None:
        try:
            return Version.model_validate_json(self._intent.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def done(self) -> None:
        self._intent.unlink(missing_ok=True)
        sync_folder(self.folder)

    def prune(self) -> None:
        """Let go of what is older than the versions that are kept, and of contents without one."""
        versions = self.all()
        for version in versions[: -self._max]:
            self._path(version.number).unlink(missing_ok=True)
        kept: set[str | None] = set()
        for version in versions[-self._max :]:
            kept.update(version.files.values())
            kept.update(key for pair in version.change.values() for key in pair)
        for path in self._objects.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    @property
    def _intent(self) -> Path:
        return self.folder / "intent.json"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08}.json"


def changes_between(
    old: Mapping[str, str], new: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Path -> hashes before and after, of what differs."""
    return {
        path: (old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    }


def _lost(path: Path, en: str, zh: str) -> StorageError:
    return StorageError(
        "version-content-lost",
        Text(f"{path} cannot be used: {en}.", f"{path} 无法使用：{zh}。"),
        Text(
            "Restore another version, or this file from a backup.",
            "请恢复其他版本，或从备份中恢复该文件。",
        ),
    )
