"""A copy of a SQLite database that is being written to.

Its newest transactions lie in a file beside it (``-wal``), and the two move against each other:
read one after the other they are of two moments. SQLite's own backup reads one moment, and the
copy needs no second file (https://www.sqlite.org/backup.html).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_HEAD = b"SQLite format 3\x00"
_BUSY_S = 10.0


def content_of(path: Path) -> bytes:
    """The bytes of a file; of a SQLite database as of one moment. Raises OSError.

    A database that SQLite cannot read is copied as it lies there.
    """
    with path.open("rb") as file:
        if file.read(len(_HEAD)) != _HEAD:
            return path.read_bytes()
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_BUSY_S)) as source,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            source.backup(copy)
            return copy.serialize()
    except sqlite3.Error:
        return path.read_bytes()


def lies_beside(path: Path) -> bool:
    """Whether a file is a database's second or third, which its copy does not need."""
    return path.name.endswith(("-wal", "-shm")) and path.with_name(path.name[:-4]).exists()
