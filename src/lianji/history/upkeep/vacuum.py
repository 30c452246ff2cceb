"""Vacuum: files go that no version needs which anybody may still be reading.

A file that was removed from the table stays for a time, for readers that opened an older version.
A file that never came into the table (a process was killed in between) goes after the same time:
by then nobody can be about to commit it.
"""

from __future__ import annotations

import time

from lianji.history.delta.log import LOG, DeltaLog

KEPT_MS_MIN = 3_600_000
"""Less would take files from under a reader or a writer that is at work."""


def vacuum(table: DeltaLog, kept_ms: int) -> int:
    """Remove what was out of the table for ``kept_ms`` (an hour at least); how many files went."""
    before_ms = time.time_ns() // 1_000_000 - max(kept_ms, KEPT_MS_MIN)
    table.refresh()
    needed = {file.path for file in table.files}
    tombstones = table.tombstones
    old = []
    for name, _, written_us in table.place.names():
        if name.startswith(f"{LOG}/") or not name.endswith(".parquet") or name in needed:
            continue
        removed_ms = tombstones[name][0] if name in tombstones else written_us // 1000
        if removed_ms < before_ms:
            old.append(name)
    table.place.remove(old)
    table.forget([path for path, (removed_ms, _) in tombstones.items() if removed_ms < before_ms])
    return len(old)
