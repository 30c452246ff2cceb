"""What a historian says of itself, and how it tells a failure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError, StorageError, Text
from lianji.history.tiers import TierFiles


@dataclass(slots=True)
class HistoryStatus:
    rows: int
    files: int
    bytes: int
    unflushed: int
    version: int
    last_flush_us: int | None
    repeated: int
    corrected: int
    error: dict[str, object] | None
    waiting: int = 0
    """Samples of which nobody can say yet whether they are new."""

    def note(self, repeated: int, corrected: int) -> None:
        """A flush is done."""
        self.repeated += repeated
        self.corrected += corrected
        self.last_flush_us = now_us()


def filled(
    status: HistoryStatus,
    files: TierFiles,
    unflushed: int,
    waiting: int,
    version: int,
    of_upkeep: LianjiError | None,
) -> HistoryStatus:
    """The same status with what is in the table, and what is not yet; the upkeep's error where
    there is no other."""
    status.unflushed, status.waiting, status.version = unflushed, waiting, version
    status.files, status.rows, status.bytes = len(files), files.rows, files.bytes
    if status.error is None and of_upkeep is not None:
        return replace(status, error=of_upkeep.as_json())
    return status


def told(error: Exception) -> LianjiError:
    if isinstance(error, LianjiError):
        return error
    return StorageError(
        "flush-failed",
        Text(f"The history cannot be written: {error}.", f"无法写入历史数据：{error}。"),
        Text(
            "Free or mend the disk; what was acknowledged is safe in the spool.",
            "请清理或检修磁盘；已确认的数据在缓存中是安全的。",
        ),
    )
