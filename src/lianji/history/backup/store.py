"""The folder that holds a backup: a few generations, and the data files that they share.

lianji-backup.json             whose backup it is
files/<path>                   data files of the tables, which never change
generations/000012/plant/...   all else of the plant, as it was at that moment
generations/000012/manifest.json

A generation without its manifest is none. Nothing is removed before the manifest of the generation
that needs it no more is gone, durably.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import Busy, InputError, NotFound, StorageError, Text
from lianji.history.backup.manifest import (
    FILE,
    Manifest,
    TableFile,
    read_manifest,
    write_manifest,
)

MARK = "lianji-backup.json"


class Store:
    """A backup's folder, of which nothing is read or written before it is asked to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.files = self.folder / "files"
        self._generations = self.folder / "generations"

    # -- whose it is -----------------------------------------------------------------------

    def claim(self, site: str) -> None:
        """Make the folder the backup of a site. Raises InputError if it is something else."""
        make_folder(self.folder)
        if not (self.folder / MARK).exists():
            if any(path.name != "lost+found" for path in self.folder.iterdir()):
                raise _not_a_backup(self.folder)
            write_atomically(self.folder / MARK, json.dumps({"site": site}).encode())
        whose = json.loads((self.folder / MARK).read_bytes())["site"]
        if whose != site:
            raise InputError(
                "backup-of-another",
                Text(
                    f"{self.folder} is the backup of the site {whose}.",
                    f"{self.folder} 是站点 {whose} 的备份。",
                ),
                Text("Take another folder.", "请使用其他文件夹。"),
            )

    @contextmanager
    def locked(self, *, writing: bool) -> Iterator[None]:
        """One writes, or several read. Raises Busy, and NotFound if there is nothing to read."""
        if not (self.folder / MARK).is_file():
            raise NotFound(
                "backup-missing",
                Text(f"There is no backup in {self.folder}.", f"{self.folder} 中没有备份。"),
                Text("Take one: lianji backup DEST.", "请先备份：lianji backup DEST。"),
            )
        handle = os.open(self.folder / MARK, os.O_RDONLY)
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Busy(
                "backup-in-use",
                Text(
                    f"Another process is at work in {self.folder}.",
                    f"另一个进程正在使用 {self.folder}。",
                ),
                Text("Wait until it has ended.", "请等待其结束。"),
            ) from error
        finally:
            os.close(handle)

    # -- what is in it ---------------------------------------------------------------------

    @property
    def generations(self) -> list[int]:
        """The generations that are whole, oldest first."""
        return [int(path.parent.name) for path in sorted(self._generations.glob(f"*/{FILE}"))]

    def folder_of(self, generation: int) -> Path:
        return self._generations / f"{generation:06d}"

    def plant_of(self, generation: int) -> Path:
        return self.folder_of(generation) / "plant"

    def manifest(self, generation: int | None = None) -> Manifest:
        """The newest, if none is named. Raises NotFound, StorageError for a damaged one."""
        there = self.generations
        number = generation if generation is not None else max(there, default=0)
        if number not in there:
            raise NotFound(
                "backup-generation",
                Text(f"There is no generation {number}.", f"没有第 {number} 代备份。"),
                Text(
                    f"There are: {', '.join(map(str, there)) or 'none'}.",
                    f"现有：{'、'.join(map(str, there)) or '无'}。",
                ),
            )
        return read_manifest(self.folder_of(number))

    def readable(self) -> tuple[list[Manifest], dict[int, StorageError]]:
        """All manifests that can be read, and what is wrong with the others."""
        found: list[Manifest] = []
        damaged: dict[int, StorageError] = {}
        for number in self.generations:
            try:
                found.append(self.manifest(number))
            except StorageError as error:
                damaged[number] = error
        return found, damaged

    def known_files(self) -> dict[str, TableFile]:
        """The data files of all generations that are still there in full length, by path."""
        manifests, _ = self.readable()
        known = {file.path: file for manifest in manifests for file in manifest.data_files}
        return {path: file for path, file in known.items() if self._holds(file)}

    def _holds(self, file: TableFile) -> bool:
        try:
            return (self.files / file.path).stat().st_size == file.bytes
        except FileNotFoundError:
            return False

    # -- generations come and go -----------------------------------------------------------

    def begin(self) -> int:
        """Clear away what a killed backup left, and number the next generation."""
        make_folder(self.files)
        make_folder(self._generations)
        self._clear_unfinished()
        return max(self.generations, default=0) + 1

    def finish(self, manifest: Manifest) -> None:
        """The generation is there from now on."""
        write_manifest(self.folder_of(manifest.generation), manifest)

    def keep_last(self, count: int) -> int:
        """Remove older generations and the data files that none needs; how many files went."""
        old = self.generations[:-count]
        for number in old:
            (self.folder_of(number) / FILE).unlink()
            sync_folder(self.folder_of(number))
        self._clear_unfinished()
        return self._sweep()

    def _clear_unfinished(self) -> None:
        for folder in self._generations.iterdir():
            if not (folder / FILE).exists():
                shutil.rmtree(folder)

    def _sweep(self) -> int:
        """Nothing goes while a manifest cannot be read: who knows what it needs."""
        manifests, damaged = self.readable()
        if damaged:
            return 0
        needed = {file.path for manifest in manifests for file in manifest.data_files}
        gone = 0
        for parent, _, names in os.walk(self.files):
            for name in names:
                path = Path(parent, name)
                if path.relative_to(self.files).as_posix() not in needed:
                    path.unlink()
                    gone += 1
        return gone


def _not_a_backup(folder: Path) -> InputError:
    return InputError(
        "backup-place",
        Text(f"{folder} holds other things and no backup.", f"{folder} 中有其他内容，且不是备份。"),
        Text("Name a new or an empty folder.", "请指定新的或空的文件夹。"),
    )
