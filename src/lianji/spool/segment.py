"""Segments: the files of a spool, each of which can be read alone.

A segment is named by the first sequence number that it may hold. Its head names the spool's epoch,
so that sequence numbers of a spool that was deleted and made anew are never taken for old ones.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from lianji.base.durable import sync_folder
from lianji.base.errors import StorageError, Text
from lianji.spool.record import Damage, Record, record_at, record_bytes, scan

SUFFIX = ".segment"
_HEAD = struct.Struct("<8s16sQ")
_MAGIC = b"LJSPOOL1"
HEAD_BYTES = _HEAD.size
PIECE_BYTES_MIN = 256 * 1024
PIECE_BYTES_MAX = 8 * 1024 * 1024


def storage_failed(error: OSError, path: Path) -> StorageError:
    return StorageError(
        "spool-disk",
        Text(f"Cannot write to {path}: {error.strerror}.", f"无法写入 {path}：{error.strerror}。"),
        Text(
            "Free space on the disk or mend it; what was acknowledged before is safe.",
            "请释放磁盘空间或检修磁盘；此前已确认的数据是安全的。",
        ),
    )


@dataclass(slots=True)
class SegmentFile:
    """What is known of a segment without reading it."""

    path: Path
    first: int
    bytes: int
    modified_s: float

    @classmethod
    def of(cls, path: Path) -> SegmentFile:
        stat = path.stat()
        return cls(path, int(path.stem), stat.st_size, stat.st_mtime)


def list_segments(folder: Path) -> list[SegmentFile]:
    """The segments of a spool, oldest first; one that vanishes meanwhile is left out."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found.append(SegmentFile.of(path))
        except FileNotFoundError:
            continue
    return found


def read_epoch(path: Path) -> bytes | None:
    """The epoch in a segment's head, or None if the head is damaged."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    epoch = bytes(_HEAD.unpack(head)[1])
    return epoch if head == _head(epoch) else None


def write_head(file: int, epoch: bytes) -> None:
    """Write a segment's head, durably. Raises OSError."""
    if os.pwrite(file, _head(epoch), 0) < HEAD_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)


def _head(epoch: bytes) -> bytes:
    return _HEAD.pack(_MAGIC, epoch, xxhash.xxh3_64_intdigest(_MAGIC + epoch))


def scan_file(
    path: Path, offset: int = HEAD_BYTES, end: int | None = None
) -> Iterator[tuple[int, Record | Damage]]:
    """Every record and every damage of a segment from an offset on, up to ``end`` (or its end).

    Reads the file as long as it is at this moment, piece by piece, so that who wants a few records
    reads no more than those; raises FileNotFoundError if it is gone.
    """
    with path.open("rb") as file:
        handle = file.fileno()
        size = os.fstat(handle).st_size
        end = size if end is None else min(end, size)
        wanted = PIECE_BYTES_MIN
        while offset < end:
            data = memoryview(os.pread(handle, min(wanted, end - offset), offset))
            if not data:
                return  # it was cut meanwhile
            if offset + len(data) >= end:
                yield from _scanned(data, offset)
                return
            begun = offset
            for record in _whole_records(data):
                yield offset, record
                offset += len(record.raw)
            length = record_bytes(data[offset - begun :])
            if offset > begun:
                wanted = max(min(2 * wanted, PIECE_BYTES_MAX), length or 0)
            elif length is not None and len(data) < length <= end - offset:
                wanted = length
            else:
                wanted = end - offset  # damage: the next record may be anywhere behind it


def _whole_records(data: memoryview) -> Iterator[Record]:
    """The records from the beginning up to the first that is not whole."""
    offset = 0
    while (record := record_at(data, offset)) is not None:
        yield record
        offset += len(record.raw)


def _scanned(data: memoryview, offset: int) -> Iterator[tuple[int, Record | Damage]]:
    """What ``scan`` finds in bytes that lie at this offset of their file."""
    for position, item in scan(data):
        if isinstance(item, Damage):
            item = Damage(item.offset + offset, item.length)
        yield position + offset, item


def scan_head(path: Path, bytes_max: int = 1024 * 1024) -> Iterator[Record | Damage]:
    """The records in the first part of a segment."""
    return (item for _, item in scan_file(path, HEAD_BYTES, HEAD_BYTES + bytes_max))


class SegmentWriter:
    """The one segment that grows. Not thread-safe: it belongs to the spool's writer."""

    def __init__(self, path: Path, epoch: bytes, durable_bytes: int | None = None) -> None:
        """Create the segment, or go on behind ``durable_bytes`` of one that is there."""
        self.path = path
        self.first = int(path.stem)
        self._defined = np.zeros(1024, dtype=bool)
        flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if durable_bytes is None else 0)
        self._file = os.open(path, flags, 0o644)
        if durable_bytes is None:
            try:
                write_head(self._file, epoch)
                sync_folder(path.parent)
            except OSError:
                os.close(self._file)
                path.unlink()  # or the next attempt would find it there
                raise
        self.durable_bytes = HEAD_BYTES if durable_bytes is None else durable_bytes
        self.bytes = self.durable_bytes

    @property
    def has_records(self) -> bool:
        return self.bytes > HEAD_BYTES

    def undefined(self, tags: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of these ids, shape (n,), whose paths the segment does not hold yet."""
        highest = int(tags.max(initial=0))
        if highest >= len(self._defined):
            self._defined = np.resize(self._defined, 2 * highest + 1) & (
                np.arange(2 * highest + 1) < len(self._defined)
            )
        return tags[~self._defined[tags]]

    def define(self, ids: list[int]) -> None:
        if ids:
            self.undefined(np.array(ids[-1:], dtype=np.int32))
            self._defined[ids] = True

    def write(self, parts: list[bytes | memoryview]) -> None:
        for start in range(0, len(parts), 512):
            self._write_some(parts[start : start + 512])

    def _write_some(self, parts: list[bytes | memoryview]) -> None:
        wanted = sum(len(part) for part in parts)
        written = os.pwritev(self._file, parts, self.bytes)
        self.bytes += written
        if written < wanted:
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                written = os.pwrite(self._file, rest, self.bytes)
                self.bytes += written
                rest = rest[written:]

    def sync(self) -> None:
        os.fdatasync(self._file)
        self.durable_bytes = self.bytes

    def cut_back(self) -> None:
        """Throw away what was written and not synced, so that no half answer stays behind."""
        os.ftruncate(self._file, self.durable_bytes)
        os.fsync(self._file)
        self.bytes = self.durable_bytes
        self._defined[:] = False  # some definitions may be gone; a second one does no harm

    def close(self) -> None:
        os.close(self._file)
