"""The contents of a hub's messages: files by their SHA-256, shared by messages that are alike."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import StorageError, Text
from lianji.relay.messages.envelope import digest_of
from lianji.relay.messages.refusals import content_missing

FILE_MODE = 0o600
"""A configuration may hold passwords."""
KEPT_S = 3600.0
"""So long a content is kept for whoever is writing the message that names it."""


class Contents:
    """One folder. Several processes may write to it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep it; its digest, once it is on disk. Raises StorageError."""
        digest = digest_of(content)
        try:
            make_folder(self._folder.resolve())
            write_atomically(self._folder / digest, content, FILE_MODE)
        except OSError as error:
            raise StorageError(
                "message-content-unwritable",
                Text(
                    f"{self._folder} cannot be written: {error.strerror}.",
                    f"无法写入 {self._folder}：{error.strerror}。",
                ),
                Text("Free space on the hub's disk.", "请释放中心磁盘空间。"),
            ) from error
        return digest

    def path(self, digest: str) -> Path:
        """Raises NotFound if it is not kept."""
        path = self._folder / digest
        if not path.is_file():
            raise content_missing()
        return path

    def prune(self, wanted: Collection[str]) -> None:
        """Let go of what no open message names."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            old = time.time() - path.stat().st_mtime > KEPT_S
            if old and path.name not in wanted:
                path.unlink(missing_ok=True)
