"""A Delta log in a place: which files a table has, and commits that nobody can half do.

An entry is created whole and durable or not at all, and never over another (put if absent), so a
power cut leaves no torn entry, and of two writers of one version exactly one wins. The other reads
what the winner did and goes on behind it, unless the winner touched the same: then it is told.
(Delta protocol, sections Delta Log Entries and Checkpoints.)
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa

from lianji.base.errors import StorageError, Text
from lianji.history.delta import actions as act
from lianji.history.delta import checkpoint
from lianji.history.delta.actions import Action, DataFile
from lianji.history.delta.files import Files
from lianji.history.delta.state import State
from lianji.history.places.place import Place

LOG = "_delta_log"
LAST_CHECKPOINT = f"{LOG}/_last_checkpoint"
CHECKPOINT_EVERY = 100
KEEP_ENTRIES_MS = 24 * 3600 * 1000
"""So long are entries kept that a checkpoint already covers, for whoever reads an older version."""
KEEP_TOMBSTONES_MS = 7 * 24 * 3600 * 1000
TRIES = 100
_TYPES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


class Overtaken(Exception):
    """Another writer changed what this commit was worked out from: look again and try again."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What a table is made of. The partitions are ``site`` and a period: ``day`` or ``month``."""

    name: str
    schema: pa.Schema
    period_column: str = "day"


@dataclass(slots=True)
class Change:
    """One commit: files in, files out, and the sequences that came with them."""

    operation: str
    added: Sequence[DataFile] = ()
    removed: Sequence[DataFile] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    data_change: bool = True
    """False where the rows stay the same and only their files change."""


class DeltaLog:
    """One thread commits; ``files`` is immutable and may be read by any."""

    def __init__(self, place: Place, spec: TableSpec, *, create: bool = True) -> None:
        """Open, or begin. Raises FileNotFoundError if there is none and ``create`` is False,
        StorageError for a log that is damaged or of a kind that we cannot write."""
        self.place = place
        self.spec = spec
        self._state = State(spec.period_column)
        self.touched: set[str] = set()
        """Sites in which others wrote rows; whoever looks at it empties it."""
        if create:
            self._repair()
        self._load()
        if self._state.version < 0:
            if not create:
                raise FileNotFoundError(place.url)
            self._begin()
        self._check_protocol()

    @property
    def files(self) -> Files:
        return self._state.files

    @property
    def version(self) -> int:
        return self._state.version

    def committed(self, source: str) -> int:
        """The last sequence of a source whose rows are in the table; 0 if there is none."""
        return self._state.transactions.get(source, (0, 0))[0]

    @property
    def sources(self) -> dict[str, int]:
        noted = dict(self._state.transactions)  # whole, whoever commits meanwhile
        return {source: sequence for source, (sequence, _) in noted.items()}

    @property
    def tombstones(self) -> dict[str, tuple[int, int]]:
        """Path of each file that was removed -> when (ms since 1970), and its size."""
        return dict(self._state.tombstones)

    def written_us(self, path: str) -> int:
        """When a file came into the table (us since 1970); 0 for one that is not in it."""
        return self._state.modified_ms.get(path, 0) * 1000

    # -- reading ---------------------------------------------------------------------------

    def refresh(self) -> bool:
        """See what others have committed since; True if there was anything."""
        before = self.version
        while self._read_next():
            pass
        return self.version != before

    def catch_up(self) -> None:
        """``refresh`` where several write. One that slept for long may find entries gone that it
        has not read, and must not take its old version for the newest."""
        self.refresh()
        covered = self._checkpoint_told()
        if covered <= self.version:
            return
        self._state = self._of_checkpoint(covered)
        self.refresh()
        self.touched |= {file.site for file in self.files}

    def find_out(self) -> None:
        """After a commit that failed: see whether it holds, and make it durable if it does."""
        self.refresh()
        self.place.settle(_entry(self.version))

    def _read_next(self) -> list[Action] | None:
        version = self.version + 1
        try:
            content = self.place.read(_entry(version))
        except FileNotFoundError:
            return None
        try:
            actions = act.parse(content)
            for action in actions:
                self._check_understood(action.get("protocol", {}))
            self._state.apply(version, actions)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(_entry(version), error) from error
        changes = [one["add"] for one in actions if "add" in one and one["add"]["dataChange"]]
        self.touched |= {act.file_of(one, self.spec.period_column).site for one in changes}
        return actions

    def _load(self) -> None:
        covered = self._checkpoint_told()
        if covered >= 0:
            with suppress(FileNotFoundError):
                self._state = self._of_checkpoint(covered)
        self.refresh()

    def _checkpoint_told(self) -> int:
        """The version of the newest checkpoint; -1 if there is none."""
        try:
            return int(json.loads(self.place.read(LAST_CHECKPOINT))["version"])
        except FileNotFoundError:
            return -1
        except (ValueError, KeyError) as error:
            raise self._damaged(LAST_CHECKPOINT, error) from error

    def _of_checkpoint(self, version: int) -> State:
        name, state = f"{LOG}/{version:020d}.checkpoint.parquet", State(self.spec.period_column)
        try:
            state.apply(version, checkpoint.read(self.place.read(name)))
        except (ValueError, KeyError, pa.ArrowException) as error:
            raise self._damaged(LAST_CHECKPOINT, error) from error
        return state

    def _repair(self) -> None:
        """Before the first commit of a process: a killed one may have left its last entry where
        it is seen and not yet durable. An entry that is not whole was never told to anyone."""
        entries = [name for name, _, _ in self.place.names(f"{LOG}/") if name.endswith(".json")]
        if not entries:
            return
        newest = max(entries)
        try:
            act.parse(self.place.read(newest))
        except ValueError:
            self.place.remove([newest])
        self.place.settle(newest)

    def _damaged(self, name: str, error: Exception) -> StorageError:
        return StorageError(
            "history-table",
            Text(
                f"{name} of the table {self.place.url} cannot be read: {error}.",
                f"数据表 {self.place.url} 的 {name} 无法读取：{error}。",
            ),
            Text(
                "Check the disk and restore the file from a backup; what was acknowledged and not "
                "yet in the table is still in the spool.",
                "请检查磁盘并从备份恢复该文件；尚未入表的已确认数据仍在缓存中。",
            ),
        )

    def _check_protocol(self) -> None:
        needs = self._state.protocol
        if not needs or not self._state.metadata:
            raise self._damaged(LOG, ValueError("it does not say what the table is"))
        self._check_understood(needs)

    def _check_understood(self, needs: Action) -> None:
        """Raises StorageError for what we can neither read nor write. Before it is taken: the
        version stays behind such an entry, so whoever tries again is told again."""
        if needs.get("minReaderVersion", 1) > 1 or needs.get("minWriterVersion", 2) > 2:
            what = ", ".join(needs.get("writerFeatures") or ["a newer protocol"])
            raise StorageError(
                "history-protocol",
                Text(
                    f"The table {self.place.url} uses {what}, which another tool has switched on.",
                    f"数据表 {self.place.url} 使用了其他工具启用的功能：{what}。",
                ),
                Text(
                    "Switch the feature off with that tool, or restore the table from a backup.",
                    "请用该工具关闭此功能，或从备份恢复数据表。",
                ),
            )

    # -- writing ---------------------------------------------------------------------------

    def commit(self, change: Change) -> None:
        """Durably make the change the next version.

        The data files must be durable in the place already. Raises Overtaken if another writer
        got in between and touched the same files, rows or sources; OSError or StorageError if the
        place fails: then it may hold or not, and ``refresh`` finds out.
        """
        now_ms = time.time_ns() // 1_000_000
        column = self.spec.period_column
        body = [act.commit_info(change.operation, now_ms)]
        body += [act.transaction(*noted, now_ms) for noted in change.sequences.items()]
        body += [act.remove(f, column, now_ms, data_change=change.data_change)
                 for f in change.removed]  # fmt: skip
        body += [act.add(f, column, now_ms, data_change=change.data_change)
                 for f in change.added]  # fmt: skip
        content = act.lines(body)
        for _ in range(TRIES):
            version = self.version + 1
            if self.place.create(_entry(version), content):
                self._state.apply(version, body)
                self._checkpoint_if_due()
                return
            self._look_at_winner(change)
        raise Overtaken(f"{TRIES} times another writer was first")

    def _look_at_winner(self, change: Change) -> None:
        entry = self._read_next()
        if entry is None:
            raise Overtaken("an entry that was there is gone")
        for action in entry:
            if "txn" in action and action["txn"]["appId"] in change.sequences:
                raise Overtaken(f"another writer speaks for {action['txn']['appId']}")
            if "add" in action and change.data_change and action["add"]["dataChange"]:
                theirs = act.file_of(action["add"], self.spec.period_column)
                if any(_same_rows_possible(theirs, ours) for ours in change.added):
                    raise Overtaken(f"another writer wrote {theirs.path}")
        for file in change.removed:
            if file not in self.files:
                raise Overtaken(f"another writer removed {file.path}")

    def _begin(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        fields = [
            {"name": f.name, "type": _TYPES[f.type], "nullable": f.nullable, "metadata": {}}
            for f in self.spec.schema
        ]
        metadata = {
            "id": str(uuid.uuid4()),
            "name": self.spec.name,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": fields}),
            "partitionColumns": ["site", self.spec.period_column],
            "createdTime": now_ms,
            "configuration": {},
        }
        body: list[Action] = [
            act.commit_info("CREATE TABLE", now_ms),
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"metaData": metadata},
        ]
        if self.place.create(_entry(0), act.lines(body)):
            self._state.apply(0, body)
        else:
            self.refresh()

    # -- keeping the log short -------------------------------------------------------------

    def _checkpoint_if_due(self) -> None:
        if self.version and self.version % CHECKPOINT_EVERY == 0:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Write the state as a checkpoint, and remove entries and checkpoints that it replaces."""
        now_ms = time.time_ns() // 1_000_000
        content = checkpoint.written(self._state, now_ms - KEEP_TOMBSTONES_MS)
        name = f"{LOG}/{self.version:020d}.checkpoint.parquet"
        self.place.replace(name, content)
        actions = len(self.files) + len(self._state.transactions) + 2
        told = checkpoint.pointer(self.version, actions, len(content))
        self.place.replace(LAST_CHECKPOINT, told)
        self._clean(self.version, now_ms - KEEP_ENTRIES_MS)

    def _clean(self, covered: int, before_ms: int) -> None:
        """Entries and checkpoints of versions before the newest checkpoint, when they are old."""
        old = []
        for name, _, modified_us in self.place.names(f"{LOG}/"):
            version = _version_of(name)
            if version is not None and version < covered and modified_us // 1000 < before_ms:
                old.append(name)
        # oldest first, so that a crash leaves no hole behind an older checkpoint
        self.place.remove(sorted(old))

    def forget_past(self) -> None:
        """Begin the log anew with this version: no entry before it, with the paths and bounds of
        files that are gone, stays. Whoever has the table open must open it again."""
        self.forget(list(self.tombstones))
        self.checkpoint()
        self._clean(self.version, time.time_ns() // 1_000_000 + 1_000)

    def forget(self, paths: Sequence[str]) -> None:
        """These removed files are gone from the disk: the next checkpoint need not name them."""
        for path in paths:
            self._state.tombstones.pop(path, None)


def _entry(version: int) -> str:
    return f"{LOG}/{version:020d}.json"


def _version_of(name: str) -> int | None:
    head = name.rpartition("/")[2].split(".")[0]
    return int(head) if head.isdigit() else None


def _same_rows_possible(theirs: DataFile, ours: DataFile) -> bool:
    return (
        theirs.site == ours.site
        and theirs.overlaps(ours.start_us, ours.end_us)
        and theirs.first_tag <= ours.last_tag
        and theirs.last_tag >= ours.first_tag
    )
