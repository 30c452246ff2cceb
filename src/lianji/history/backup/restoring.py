"""Restoring: a generation of a backup into an empty folder, verified on the way and once there.

What can be restored is, even if a part of the backup is damaged, and what differs is told. The
spool keeps its epoch and its records: the tables say by that epoch how far they are, and the
historian goes on behind that. A note is left that this is a restored image, for whoever must not
take it for the plant that went on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lianji.base.clock import now_us
from lianji.base.errors import InputError, StorageError, Text
from lianji.history.backup.copying import Target
from lianji.history.backup.faults import MISSING, Fault, differing_days, wrong_bytes
from lianji.history.backup.logs import open_log
from lianji.history.backup.manifest import (
    CopiedFile,
    CopiedTable,
    Manifest,
    TableFile,
    by_site,
    told,
)
from lianji.history.backup.row_hash import days_of_file
from lianji.history.backup.store import Store

NOTE = "restored.json"
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Restored:
    """Which generation was restored, and what differs from what it was."""

    manifest: Manifest
    faults: list[Fault] = field(default_factory=list)


def restore_backup(
    destination: Path,
    folder: Path,
    generation: int | None = None,
    note: str = NOTE,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Make ``folder`` what the plant was. ``note``: where the note goes, relative to it.

    The files at the top of the folder, which make it a plant, come last: a restore that was killed
    leaves no plant. Raises InputError for a folder that is not empty, NotFound, StorageError (the
    manifest is damaged), Busy, OSError.
    """
    store = Store(destination)
    _check_empty(folder)
    with store.locked(writing=False):
        restored = Restored(store.manifest(generation))
        _Restoring(store, folder.resolve(), restored, progress).run(note)
    return restored


class _Restoring:
    def __init__(self, store: Store, folder: Path, restored: Restored, progress: Progress) -> None:
        self._store = store
        self._manifest = restored.manifest
        self._faults = restored.faults
        self._target = Target(folder)
        self._progress = progress
        self._done_bytes = 0

    def run(self, note: str) -> None:
        own = self._store.plant_of(self._manifest.generation)
        for data in self._manifest.data_files:
            self._copy(data, self._store.files)
        for file in self._manifest.files:
            if "/" in file.path:
                self._copy(file, own)
        for table in self._manifest.tables:
            self._verify(table)
        self._target.write(note, self._note())
        self._target.settle()
        for file in self._manifest.files:
            if "/" not in file.path:
                self._copy(file, own)
        self._target.settle()

    def _copy(self, file: CopiedFile, source: Path) -> None:
        try:
            wrong = wrong_bytes(file, self._target.copy(source / file.path, file.path))
        except FileNotFoundError:
            wrong = MISSING
        if wrong is not None:
            self._faults.append(Fault(file.path, wrong))
        self._done_bytes += file.bytes
        self._progress(self._done_bytes, self._manifest.bytes)

    def _verify(self, table: CopiedTable) -> None:
        """Open the restored table as it will be used, and count its rows by day."""
        folder = self._target.folder / table.folder
        try:
            log = open_log(folder)
        except (StorageError, OSError) as error:
            self._faults.append(Fault(table.folder, Text(f"{error}", f"{error}")))
            return
        if log.version != table.version:
            en = f"its version is {log.version}, and was {table.version}"
            zh = f"版本为 {log.version}，备份时为 {table.version}"
            self._faults.append(Fault(table.folder, Text(en, zh)))
        backed_up = {file.path: file for file in table.files}
        found = []
        for file in log.files:
            known = backed_up.get(f"{table.folder}/{file.path}")
            if known is None:  # it was missing in the plant already
                self._faults.append(Fault(f"{table.folder}/{file.path}", MISSING))
            elif known.days is not None:
                found.append(self._counted(known))
        self._faults += differing_days(table.folder, table.days, by_site(found))

    def _counted(self, file: TableFile) -> TableFile:
        """The file's entry with what its rows add up to here."""
        try:
            days = told(days_of_file(self._target.folder / file.path, file.period))
        except (pa.ArrowException, OSError):
            days = {}  # the day will be told to lack its rows
        return file.model_copy(update={"days": days})

    def _note(self) -> bytes:
        manifest = self._manifest
        said = {
            "restored_us": now_us(),
            "taken_us": manifest.taken_us,
            "backup": str(self._store.folder),
            "generation": manifest.generation,
            "site": manifest.site,
            "epoch": manifest.spool.epoch if manifest.spool else None,
            "last": manifest.spool.last if manifest.spool else None,
        }
        return json.dumps(said, ensure_ascii=False, indent=1).encode()


def _check_empty(folder: Path) -> None:
    if folder.is_dir() and all(path.name == "lost+found" for path in folder.iterdir()):
        return
    if folder.exists():
        raise InputError(
            "restore-not-empty",
            Text(f"{folder} is not an empty folder.", f"{folder} 不是空文件夹。"),
            Text(
                "Name a new folder, or remove what a restore that was broken off left there.",
                "请指定新文件夹，或先清除上次中断的恢复所留下的内容。",
            ),
        )
