"""Versions that are made in a draft beside the others: whole, or not there at all.

Only who holds the lock of a folder makes versions in it or clears what a killed maker left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lianji.base.durable import make_folder, sync_folder
from lianji.base.errors import LianjiError
from lianji.base.ids import new_id

_DRAFT, _LOCK = ".draft-", ".lock"


@contextmanager
def drafting(home: Path, busy: Callable[[], LianjiError]) -> Iterator[Path]:
    """An empty folder for a version to be, which goes unless it was kept.

    Raises ``busy()`` where somebody else makes one, OSError.
    """
    make_folder(home.resolve())
    handle = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy() from error
        for left in home.glob(f"{_DRAFT}*"):
            shutil.rmtree(left)
        draft = home / f"{_DRAFT}{new_id().hex()}"
        draft.mkdir()
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        os.close(handle)


def keep_draft(draft: Path, final: Path) -> Path:
    """Give a draft, whose files are durable, its name. Raises OSError."""
    sync_folder(draft)
    draft.rename(final)
    sync_folder(final.parent)
    return final
