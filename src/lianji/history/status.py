"""What a historian says of itself, and how it tells a failure."""

from __future__ import annotations

from dataclasses import dataclass

from lianji.base.errors import LianjiError, StorageError, Text


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
