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

AHEAD_BYTES = 256 << 20
"""Room is taken in such stretches: writes behind the end of a file wait for each other, those into
room that is there do not."""
_NOT_DIRECT = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


class DataFile:
    """One data file, for writing (it must be new) or reading. Any thread may use it."""

    def __init__(self, path: Path, *, write: bool, bytes_max: int = 0) -> None:
        """``bytes_max``: so much will be written at most, so far as it is known."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL if write else os.O_RDONLY
        self._lock = threading.Lock()
        self._end = 0
        self._room = 0
        self._bytes_max = bytes_max
        self._takes_room = bytes_max > 0
        try:
            self._file = os.open(path, flags | os.O_CLOEXEC | os.O_DIRECT, 0o666)
        except OSError as error:
            if error.errno not in _NOT_DIRECT:
                raise
            if write:
                path.unlink(missing_ok=True)
            self._file = os.open(path, flags | os.O_CLOEXEC, 0o666)
            self._takes_room = False

    def append(self, content: Bytes) -> int:
        """Write whole pages behind all others; where they begin."""
        with self._lock:
            start = self._end
            self._end += len(content)
            if self._end > self._room and self._takes_room:
                self._take_room()
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
        """What was written is there after a power cut, and the file ends behind it."""
        if self._room > self._end:
            os.ftruncate(self._file, self._end)
            self._room = self._end
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _take_room(self) -> None:
        """Where a file system cannot, or is nearly full, each write takes its own. (Only for direct
        files: elsewhere the C library may fill the room with zeros itself.)"""
        bytes_more = min(AHEAD_BYTES, self._bytes_max - self._room)
        try:
            os.posix_fallocate(self._file, self._room, max(bytes_more, self._end - self._room))
        except OSError:
            self._takes_room = False
        self._room = os.fstat(self._file).st_size

    def _goes_buffered(self, error: OSError) -> bool:
        """Whether it was direct and said that it cannot be; now it is not."""
        direct = bool(fcntl.fcntl(self._file, fcntl.F_GETFL) & os.O_DIRECT)
        if error.errno in _NOT_DIRECT and direct:
            self._buffered()
            return True
        return False

    def _buffered(self) -> None:
        self._takes_room = False
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags & ~os.O_DIRECT)
