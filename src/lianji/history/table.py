"""The Delta table ``samples``: which files it has, and commits that survive a power cut.

Delta's Rust library renames its log entries and never syncs them, so before anybody is told that
a commit holds, the data files, the log entry and all folders are synced here. A log entry that a
power cut left torn was never told to anyone: opening removes it.

There is no unsigned type in Delta: ``quality`` is an int32 in the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lianji.base.clock import to_us
from lianji.base.durable import make_folder, sync_file, sync_folder
from lianji.base.errors import StorageError, Text
from lianji.dictionary.batch import TIME_TYPE

PARTITIONS = ["site", "day"]
TABLE_SCHEMA = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("time", TIME_TYPE, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int32(), nullable=False),
        pa.field("site", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
    ]
)
CHECKPOINT_EVERY = 100
_OURSELVES = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of the table and what its log entry says of it."""

    path: str
    site: str
    day: str
    bytes: int
    rows: int
    first_tag: str
    last_tag: str
    start_us: int
    end_us: int

    def overlaps(self, start_us: int, end_us: int) -> bool:
        """True if it may hold times from ``start_us`` up to ``end_us``, both included."""
        return self.start_us <= end_us and self.end_us >= start_us


class SamplesTable:
    """The table in a folder. One thread commits; a snapshot of ``files`` may be read by any."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Open or create. Raises StorageError if the folder holds a table that cannot be read."""
        self.folder = folder
        self.log = folder / "_delta_log"
        if create:
            make_folder(folder)
            _remove_torn_entry(self.log)
        try:
            self._table = DeltaTable(folder)
        except TableNotFoundError:
            if not create:
                raise
            self._table = self._created()
        except DeltaError as error:
            raise _unreadable(folder, error) from error
        self.files: tuple[DataFile, ...] = self._listed()
        self._in_doubt = False
        if create:  # a process that was killed may have left its last entry unsynced
            self._sync_log(self.version)

    def _created(self) -> DeltaTable:
        schema = Schema.from_arrow(TABLE_SCHEMA)
        try:
            table = DeltaTable.create(self.folder, schema, partition_by=PARTITIONS, name="samples")
        except DeltaError as error:
            raise _unreadable(self.folder, error) from error
        self._sync_log(0)
        return table

    @property
    def version(self) -> int:
        return int(self._table.version())

    def refresh(self) -> None:
        """See what another process has committed since."""
        before = self._table.version()
        try:
            self._table.update_incremental()
        except DeltaError as error:
            raise _unreadable(self.folder, error) from error
        if self._table.version() != before:
            self.files = self._listed()

    def committed(self, source: str) -> int:
        """The last sequence of a source whose rows are in the table; 0 if there is none."""
        return self._table.transaction_version(source) or 0

    def commit(
        self,
        added: Sequence[DataFile],
        removed: Sequence[DataFile] = (),
        sequences: dict[str, int] | None = None,
    ) -> None:
        """Add and remove files and note the sources' sequences, in one durable commit.

        The added files must be in the folder; they are synced here. Raises StorageError or
        OSError: then it may hold or not, and ``catch_up`` finds out which.
        """
        self._sync_data(added)
        actions: list[Any] = [_add(file, self.folder) for file in added]
        actions += [_remove(file) for file in removed]
        noted = [Transaction(source, last) for source, last in (sequences or {}).items()]
        self._in_doubt = True
        try:
            self._table.create_write_transaction(
                actions,
                "append",
                self._table.schema(),
                PARTITIONS,
                commit_properties=CommitProperties(app_transactions=noted),
                post_commithook_properties=_OURSELVES,
            )
            self._table.update_incremental()
        except DeltaError as error:
            raise _unreadable(self.folder, error) from error
        self._sync_log(self.version)
        gone = set(removed)
        self.files = (*(file for file in self.files if file not in gone), *added)
        self._in_doubt = False
        if self.version % CHECKPOINT_EVERY == 0:
            self._checkpoint()

    def catch_up(self) -> None:
        """After a commit that failed: see whether it is in the table, and sync it if it is.

        Without this its rows would be taken for new ones and committed a second time.
        Raises StorageError or OSError.
        """
        if self._in_doubt:
            try:
                self._table.update_incremental()
            except DeltaError as error:
                raise _unreadable(self.folder, error) from error
            self._sync_log(self.version)
            self.files = self._listed()
            self._in_doubt = False

    def _sync_data(self, files: Sequence[DataFile]) -> None:
        folders = set()
        for file in files:
            path = self.folder / file.path
            sync_file(path)
            folders |= {path.parent, path.parent.parent}
        for folder in folders | {self.folder}:
            sync_folder(folder)

    def _sync_log(self, version: int) -> None:
        sync_file(self.log / f"{version:020d}.json")
        sync_folder(self.log)
        sync_folder(self.folder)

    def _checkpoint(self) -> None:
        try:
            self._table.create_checkpoint()
        except DeltaError as error:
            raise _unreadable(self.folder, error) from error
        for path in self.log.glob(f"{self.version:020d}.checkpoint*"):
            sync_file(path)
        sync_file(self.log / "_last_checkpoint")
        sync_folder(self.log)

    def _listed(self) -> tuple[DataFile, ...]:
        actions = pa.table(self._table.get_add_actions(flatten=True)).to_pylist()
        return tuple(sorted((_listed(action) for action in actions), key=_by_age))


def _by_age(file: DataFile) -> tuple[str, str, str]:
    """Files of a day sort by name, and names sort by when they were written."""
    return (file.site, file.day, file.path)


def _listed(action: dict[str, Any]) -> DataFile:
    return DataFile(
        path=action["path"],
        site=action["partition.site"],
        day=str(action["partition.day"]),
        bytes=action["size_bytes"],
        rows=action["num_records"],
        first_tag=action["min.tag"],
        last_tag=action["max.tag"],
        start_us=to_us(action["min.time"]),
        end_us=to_us(action["max.time"]),
    )


def _add(file: DataFile, folder: Path) -> AddAction:
    stats = {
        "numRecords": file.rows,
        "minValues": {"tag": file.first_tag, "time": _stamp(file.start_us)},
        "maxValues": {"tag": file.last_tag, "time": _stamp(file.end_us)},
        "nullCount": {"tag": 0, "time": 0, "quality": 0},
    }
    modified_ms = (folder / file.path).stat().st_mtime_ns // 1_000_000
    partition = {"site": file.site, "day": file.day}
    return AddAction(file.path, file.bytes, partition, modified_ms, True, json.dumps(stats))


def _remove(file: DataFile) -> RemoveAction:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return RemoveAction(
        path=file.path,
        data_change=True,
        deletion_timestamp=now_ms,
        partition_values={"site": file.site, "day": file.day},
        size=file.bytes,
    )


def _stamp(time_us: int) -> str:
    second, rest = divmod(time_us, 1_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def _remove_torn_entry(log: Path) -> None:
    """Remove the newest log entry if it is no whole JSON: a power cut tore it, nobody was told."""
    entries = sorted(log.glob("*.json")) if log.is_dir() else []
    if not entries:
        return
    try:
        lines = entries[-1].read_text().splitlines()
        whole = bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        whole = False
    if not whole:
        entries[-1].unlink()
        sync_folder(log)


def _unreadable(folder: Path, error: Exception) -> StorageError:
    return StorageError(
        "history-table",
        Text(f"The table in {folder} failed: {error}.", f"{folder} 中的数据表出错：{error}。"),
        Text(
            "Check the disk; what was acknowledged is still in the spool.",
            "请检查磁盘；已确认的数据仍保存在缓存中。",
        ),
    )
