"""The state database in a backup: a copy of one moment, since the file itself is being written.

SQLite's own backup takes it while the plant runs (https://www.sqlite.org/backup.html). The copy
stays beside the original, to be replaced by the next; a restore puts it in its place.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from lianji.base.durable import sync_file, sync_folder
from lianji.base.errors import StorageError, Text

FILE = "state.db"
COPY = "state-copy.db"
LEFT_OUT = frozenset({FILE, f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal", "cli.key"})
"""Of ``data``: what no other process can copy as it is, and what is true of one process alone."""


def copy_state(data: Path) -> None:
    """Replace the copy by one of now, if there is a state. Raises StorageError, OSError."""
    import sqlite3  # 2 MB that a plant without users and alarms need not carry

    state = data / FILE
    if not state.exists():
        return
    draft = data / f".{COPY}.{os.getpid()}.tmp"
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(draft)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        draft.unlink(missing_ok=True)
        raise StorageError(
            "state-unusable",
            Text(f"{state} cannot be copied: {error}.", f"无法复制 {state}：{error}。"),
            Text("Restore the state from an older backup.", "请从较早的备份恢复状态库。"),
        ) from error
    sync_file(draft)
    draft.rename(data / COPY)
    sync_folder(data)


def restore_state(data: Path) -> None:
    """Let the copy be the state where there is none: after a restore, also one that was killed."""
    copy = data / COPY
    if copy.exists() and not (data / FILE).exists():
        copy.chmod(0o600)
        copy.rename(data / FILE)
        sync_folder(data)
