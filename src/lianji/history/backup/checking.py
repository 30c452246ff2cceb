"""Checking a backup: every byte against its checksum, every row against its day's sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lianji.base.errors import StorageError, Text
from lianji.history.backup.copying import digest_of
from lianji.history.backup.faults import MISSING, OTHER_ROWS, Fault, differing_days, wrong_bytes
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

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Checked:
    """What a check went through, and what it found."""

    generations: list[int]
    files: int = 0
    bytes: int = 0
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)


def check_backup(destination: Path, progress: Progress = lambda *_: None) -> Checked:
    """Read all that every generation needs, each file once. Raises NotFound, Busy, OSError."""
    store = Store(destination)
    with store.locked(writing=False):
        manifests, damaged = store.readable()
        checked = Checked(store.generations)
        for number, error in damaged.items():
            checked.faults.append(Fault(f"generation {number}", error.cause))
        _Check(store, manifests, checked, progress).run()
    return checked


class _Check:
    def __init__(
        self, store: Store, manifests: list[Manifest], checked: Checked, progress: Progress
    ) -> None:
        self._store = store
        self._manifests = manifests
        self._checked = checked
        self._progress = progress
        self._shared = {(f.path, f.xxh3_128): f for m in manifests for f in m.data_files}
        own = sum(file.bytes for manifest in manifests for file in manifest.files)
        self._total_bytes = own + sum(file.bytes for file in self._shared.values())

    def run(self) -> None:
        for file in self._shared.values():
            path = self._store.files / file.path
            if self._bytes(file, path, path):
                self._rows(file, path)
        for manifest in self._manifests:
            folder = self._store.plant_of(manifest.generation)
            whole = [self._bytes(file, folder / file.path, folder / file.path)
                     for file in manifest.files]  # fmt: skip
            if all(whole):
                for table in manifest.tables:
                    self._table(manifest, table)

    def _fault(self, path: Path | str, what: Text) -> None:
        self._checked.faults.append(Fault(str(path), what))

    def _bytes(self, file: CopiedFile, path: Path, shown: Path) -> bool:
        self._checked.files += 1
        self._checked.bytes += file.bytes
        self._progress(self._checked.bytes, self._total_bytes)
        try:
            wrong = wrong_bytes(file, digest_of(path))
        except FileNotFoundError:
            wrong = MISSING
        except OSError as error:
            wrong = Text(f"{error}", f"{error}")
        if wrong is not None:
            self._fault(shown, wrong)
        return wrong is None

    def _rows(self, file: TableFile, path: Path) -> None:
        if file.days is None:  # damaged in the plant already, which the backup has told
            return
        try:
            days = told(days_of_file(path, file.period))
        except (pa.ArrowException, OSError) as error:
            self._fault(path, Text(f"{error}", f"{error}"))
            return
        self._checked.rows += sum(rows for rows, _ in days.values())
        if days != file.days:
            self._fault(path, OTHER_ROWS)

    def _table(self, manifest: Manifest, table: CopiedTable) -> None:
        """The log that would be restored names the files of the manifest, and those add up."""
        folder = self._store.plant_of(manifest.generation) / table.folder
        try:
            log = open_log(folder)
        except (StorageError, OSError) as error:
            self._fault(folder, Text(f"{error}", f"{error}"))
            return
        listed = {f"{table.folder}/{file.path}" for file in log.files}
        if log.version != table.version or not {f.path for f in table.files} <= listed:
            en = f"its log is of version {log.version}, and not {table.version}"
            self._fault(folder, Text(en, f"日志版本为 {log.version}，应为 {table.version}"))
        self._checked.faults += differing_days(table.folder, table.days, by_site(table.files))
