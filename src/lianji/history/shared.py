"""A table that several processes write: where it lies, and which records another was first with.

Each process has a spool of its own. What an edge sent to one of them it sends again to the next, if
the table did not have it by then. So a record may come out of two spools. Its lane's application
transaction tells: what is at or before it is in the table, and its rows must not be written again,
for they may have been corrected since. See docs/decisions/0013-several-hub-processes.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lianji.base.errors import Busy, StorageError, Text
from lianji.dictionary.batch import Batch
from lianji.history.compaction.jobs import Folders
from lianji.history.places.folder import FolderPlace
from lianji.history.places.place import Place
from lianji.history.relayed import lane_of, name_of
from lianji.history.rollup.tables import HOURS, MINUTES
from lianji.history.settings import HistorySettings, S3Settings
from lianji.history.tables import MODIFIED, SAMPLES


def places_of(folder: Path, settings: HistorySettings) -> tuple[Place, Place]:
    """Where samples and modified history lie; ``folder`` is that of samples in the plant's own.

    Raises InputError if the key of a bucket is not where it should be.
    """
    shared = settings.shared
    if shared is None:
        return FolderPlace(folder), FolderPlace(folder.with_name(MODIFIED.name))
    if shared.bucket is None:
        below = Path(shared.folder)
        return FolderPlace(below / SAMPLES.name), FolderPlace(below / MODIFIED.name)
    from lianji.history.places.bucket import BucketPlace  # whoever has no bucket need not carry it

    scratch = folder.with_name("scratch")
    samples, modified = (_below(shared.bucket, spec.name) for spec in (SAMPLES, MODIFIED))
    return BucketPlace(samples, scratch), BucketPlace(modified, scratch)


def folders_of(folder: Path, settings: HistorySettings) -> Folders:
    """Where merging reads and writes; rollups lie in the plant's own folder in any case."""
    shared = settings.shared
    minutes, hours = folder.with_name(MINUTES.name), folder.with_name(HOURS.name)
    if shared is None:
        return Folders(folder, minutes, hours)
    if shared.bucket is None:
        return Folders(Path(shared.folder) / SAMPLES.name, minutes, hours)
    return Folders(folder, minutes, hours, _below(shared.bucket, SAMPLES.name))


def _below(bucket: S3Settings, name: str) -> S3Settings:
    return bucket.model_copy(update={"url": f"{bucket.url.rstrip('/')}/{name}"})


def is_there(batch: Batch, committed: Callable[[str], int]) -> bool:
    """Whether it was relayed and is in the table by the word of its lanes' transactions.

    Not where it is there in part: it begins at or before what is there, and its end is the newest
    that its edge said, so what comes again comes to the same.
    """
    return bool(batch.sources) and all(
        source.sequence <= committed(name_of(lane_of(source))) for source in batch.sources
    )


def history_shared() -> Busy:
    return Busy(
        "history-shared",
        Text(
            "Other processes may have this table open, and its log cannot be begun anew.",
            "其他进程可能正在使用该数据表，无法重建其日志。",
        ),
        Text(
            "Stop all but one, give that one the table as a tier or in its folder, and try again.",
            "请停止其他进程，仅保留一个，并将数据表移入其目录后重试。",
        ),
    )


def overtaken(times: int) -> StorageError:
    return StorageError(
        "history-overtaken",
        Text(
            f"Other processes wrote to the table {times} times while this one tried to.",
            f"本进程尝试写入数据表时，其他进程已抢先写入 {times} 次。",
        ),
        Text(
            "Nothing is lost: it is tried again. If this stays, fewer processes should write.",
            "数据没有丢失，系统会重试。若持续出现，请减少写入进程。",
        ),
    )
