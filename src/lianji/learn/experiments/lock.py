"""Whether a run is alive: its process holds a lock on a file, and the kernel lets it go when the
process ends, however it ends.

A child of a fork shares the lock with its parent and would keep it beyond the parent's end, so it
closes its share at once; programs that are started never inherit it.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import suppress
from pathlib import Path

FILE = "lock"


class Lock:
    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle
        _held.add(self)

    def release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):
                os.close(handle)


_held: weakref.WeakSet[Lock] = weakref.WeakSet()


def _forget() -> None:
    for lock in [*_held]:
        lock.release()


os.register_at_fork(after_in_child=_forget)


def take(folder: Path) -> Lock | None:
    """None where somebody has it. Raises OSError."""
    handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return Lock(handle)


def is_held(folder: Path) -> bool:
    """Whether a living process has it."""
    try:
        handle = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
