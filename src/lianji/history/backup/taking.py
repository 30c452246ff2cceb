"""Taking a backup: of a plant that runs or not, and of each later one only what is new.

First all that changes, as one moment of it; then the data files of that moment's tables, which
never change; at last the manifest. A file that a compaction took away between the two sends us back
to the newest moment, which is rare, for such files are kept for days.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lianji.base.clock import now_us
from lianji.base.errors import Busy, InputError, Text
from lianji.history.backup.copying import Digest, Target, digest_of
from lianji.history.backup.faults import MISSING, OTHER_ROWS
from lianji.history.backup.manifest import CopiedTable, Manifest, TableFile, by_site, told
from lianji.history.backup.row_hash import Days, days_of_file
from lianji.history.backup.segments import Hole, Moved
from lianji.history.backup.snapshot import Parts, Snapshot, Taking
from lianji.history.backup.store import Store
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import DeltaLog

KEEP = 7
TRIES = 10
Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""


@dataclass(slots=True)
class Taken:
    """What a backup did."""

    manifest: Manifest
    copied_files: int = 0
    """Data files that no earlier generation had."""
    copied_bytes: int = 0
    removed_files: int = 0
    damaged: dict[str, Text] = field(default_factory=dict)
    """Files of the plant itself that are missing or cannot be read, and why."""


def take_backup(
    parts: Parts, destination: Path, keep: int = KEEP, progress: Progress = lambda *_: None
) -> Taken:
    """Add a generation to the backup in a folder, and keep the last ``keep``.

    When this returns, all that was acknowledged before it was called is durable there. Killed or
    failed at any moment it leaves the earlier generations as they were. Raises InputError (the
    folder holds something else), Busy, StorageError, OSError.
    """
    if parts.root in (destination.resolve(), *destination.resolve().parents):
        raise _inside(parts.root)
    store = Store(destination)
    store.claim(parts.site)
    with store.locked(writing=True):
        taken = _Work(parts, store, progress).run()
        store.finish(taken.manifest)
        taken.removed_files = store.keep_last(max(1, keep))
    return taken


class _Work:
    """One backup on its way."""

    def __init__(self, parts: Parts, store: Store, progress: Progress) -> None:
        self._parts = parts
        self._store = store
        self._progress = progress
        self._generation = store.begin()
        self._known = store.known_files()
        self._target = Target(store.files)
        self._copied_files = self._copied_bytes = 0
        self._damaged: dict[str, Text] = {}
        self._missed: set[str] = set()

    def run(self) -> Taken:
        hole_behind: int | None = None
        for _ in range(TRIES):
            try:
                return self._attempt(hole_behind)
            except Hole as hole:
                hole_behind = hole.behind
            except Moved:
                continue
        raise Busy(
            "backup-moving",
            Text("The plant moved on faster than it could be copied.", "数据变化过快，无法备份。"),
            Text("Take the backup again.", "请重新备份。"),
        )

    def _attempt(self, hole_behind: int | None) -> Taken:
        folder = self._store.plant_of(self._generation)
        if folder.exists():
            shutil.rmtree(folder)
        taken_us = now_us()
        snapshot = Taking(self._parts, folder, hole_behind).run()
        todo = _Todo(self._progress, self._missing_bytes(snapshot))
        tables = [self._copy_table(*one, todo) for one in snapshot.logs.items()]
        self._target.settle()
        manifest = Manifest(
            generation=self._generation,
            taken_us=taken_us,
            plant=str(self._parts.root),
            site=self._parts.site,
            spool=snapshot.spool,
            files=snapshot.files,
            tables=tables,
        )
        return Taken(manifest, self._copied_files, self._copied_bytes, damaged=self._damaged)

    def _missing_bytes(self, snapshot: Snapshot) -> int:
        return sum(
            file.bytes
            for folder, log in snapshot.logs.items()
            for file in log.files
            if f"{folder}/{file.path}" not in self._known
        )

    def _copy_table(self, folder: str, log: DeltaLog, todo: _Todo) -> CopiedTable:
        files = []
        for file in log.files:
            path = f"{folder}/{file.path}"
            if path not in self._known:
                self._take(path, file)
                todo.did(file.bytes)
            if path in self._known:
                files.append(self._known[path])
                if self._known[path].days is None:
                    self._damaged.setdefault(path, OTHER_ROWS)
        return CopiedTable(
            folder=folder,
            version=log.version,
            rows=sum(rows for file in files for rows, _ in (file.days or {}).values()),
            days=by_site(files),
            files=files,
        )

    def _take(self, path: str, file: DataFile) -> None:
        """Copy a data file. One that is gone twice, in two versions, is lost and not moved."""
        try:
            digest = self._copied(path)
        except FileNotFoundError as error:
            if path not in self._missed:
                self._missed.add(path)
                raise Moved(f"{path} went") from error
            self._damaged[path] = MISSING
            return
        days = self._days(path, file, digest)
        self._known[path] = TableFile(
            path=path,
            bytes=digest.bytes,
            xxh3_128=digest.xxh3_128,
            site=file.site,
            period=file.period,
            days=None if days is None else told(days),
        )

    def _copied(self, path: str) -> Digest:
        source, there = self._parts.root / path, self._store.files / path
        self._copied_files += 1
        if there.exists():  # what a killed backup had copied: it may be believed if it is the same
            digest = digest_of(source)
            if digest == digest_of(there):
                return digest
        digest = self._target.copy(source, path)
        self._copied_bytes += digest.bytes
        return digest

    def _days(self, path: str, file: DataFile, digest: Digest) -> Days | None:
        """What the copy's rows add up to; None for a file that was damaged in the plant."""
        try:
            days = days_of_file(self._store.files / path, file.period)
            rows = sum(count for count, _ in days.values())
            if (digest.bytes, rows) != (file.bytes, file.rows):
                raise OSError(f"it holds {rows} rows, and should {file.rows}")
        except (pa.ArrowException, OSError) as error:
            self._damaged[path] = Text(f"{error}", f"{error}")
            return None
        return days


class _Todo:
    """How much of the copying is done."""

    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self._progress = progress
        self._total_bytes = total_bytes
        self._done_bytes = 0
        progress(0, total_bytes)

    def did(self, size: int) -> None:
        self._done_bytes += size
        self._progress(self._done_bytes, self._total_bytes)


def _inside(root: Path) -> InputError:
    return InputError(
        "backup-inside",
        Text(f"The backup would lie in the plant {root} itself.", f"备份位于工厂 {root} 内部。"),
        Text("Name a folder on another disk.", "请指定另一块磁盘上的文件夹。"),
    )
