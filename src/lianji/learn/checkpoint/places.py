"""The two places that checkpoints are read from, behind one interface."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.manifest import Manifest
from lianji.learn.checkpoint.reading import Read, reading_files


class FolderSource:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        return self._folder.names()

    def manifest(self, name: str) -> Manifest:
        return self._folder.manifest(name)

    def reading(self) -> AbstractContextManager[Read]:
        return reading_files(self._folder.data)
