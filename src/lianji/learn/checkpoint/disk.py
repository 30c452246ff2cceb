"""Data files: aligned writes and reads past the page cache, with a buffered fallback.

O_DIRECT wants memory, place and size in whole pages, which every chunk is. A file system that does
not know it (tmpfs, some network ones) says EINVAL, at the opening or only at the first write.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

from lianji.learn.checkpoint.image import PAGE_BYTES
from lianji.learn.checkpoint.leaves import Bytes

_NOT_DIRECT = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


class DataFile:
    """One data file, for writing (it must be new) or reading. Any thread may use it."""

    def __init__(self, path: Path, *, write: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL if write else os.O_RDONLY
        self._lock = threading.Lock()
        self._end = 0
        try:
            self._file = os.open(path, flags | os.O_CLOEXEC | os.O_DIRECT, 0o666)
        except OSError as error:
            if error.errno not in _NOT_DIRECT:
                raise
            if write:
                path.unlink(missing_ok=True)
            self._file = os.open(path, flags | os.O_CLOEXEC, 0o666)

    def append(self, content: Bytes) -> int:
        """Write whole pages behind all others; where they begin."""
        with self._lock:
            start = self._end
            self._end += len(content)
        at = 0
        while at < len(content):
            try:
                at += os.pwrite(self._file, content[at:].data, start + at)
            except OSError as error:
                if not self._goes_buffered(error):
                    raise
            if at % PAGE_BYTES:
                self._buffered()
        return start

    def read(self, into: Bytes, start: int) -> int:
        """Fill ``into`` from ``start`` on; how many bytes there were."""
        at = 0
        while at < len(into):
            try:
                got = os.preadv(self._file, [into[at:].data], start + at)
            except OSError as error:
                if not self._goes_buffered(error):
                    raise
                continue
            if not got:
                break
            at += got
            if at % PAGE_BYTES:
                self._buffered()
        return at

    def sync(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _goes_buffered(self, error: OSError) -> bool:
        """Whether it was direct and said that it cannot be; now it is not."""
        direct = bool(fcntl.fcntl(self._file, fcntl.F_GETFL) & os.O_DIRECT)
        if error.errno in _NOT_DIRECT and direct:
            self._buffered()
            return True
        return False

    def _buffered(self) -> None:
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags & ~os.O_DIRECT)
