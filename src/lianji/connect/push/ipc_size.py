"""What an Arrow IPC stream claims to be, checked before Arrow believes it.

Arrow reads uncompressed buffers where they lie, so they cost nothing. A compressed buffer however
states its own size, and Arrow allocates that much before it looks at a single byte. So the
claims are added up first, straight from the metadata of the messages.

Source: Arrow columnar format, "IPC streaming format" and "Buffer compression", with
``Message.fbs`` of format version 1.5; the metadata are FlatBuffers.
"""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa

EXPANDED_BYTES_MAX = 128 * 1024 * 1024
MESSAGES_MAX = 10_000
"""More batches than this in one body are better sent as fewer, larger ones."""

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3


class WrongClaim(ValueError):
    """The stream contradicts itself or is too large."""


def check_claims(stream: bytes | memoryview) -> None:
    """Raises WrongClaim, or one of Arrow's own errors, for a stream not worth reading."""
    reader = pa.ipc.MessageReader.open_stream(pa.py_buffer(stream))
    expanded = 0
    for number, message in enumerate(reader):
        if number >= MESSAGES_MAX:
            raise WrongClaim(f"more than {MESSAGES_MAX} batches")
        try:
            expanded += _expanded_bytes(message)
        except struct.error as error:
            raise WrongClaim("metadata out of bounds") from error
        if expanded > EXPANDED_BYTES_MAX:
            raise WrongClaim(f"more than {EXPANDED_BYTES_MAX >> 20} MiB when decompressed")


def _expanded_bytes(message: Any) -> int:
    """Bytes that Arrow would allocate for this message: none unless it is compressed."""
    if message.body is None:
        return 0
    metadata = memoryview(message.metadata)
    root = _Table(metadata, _Table.offset_at(metadata, 0))
    kind, header = root.byte(1), root.table(2)
    if header is None or kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0
    batch = header.table(1) if kind == _DICTIONARY_BATCH else header
    if batch is None or batch.table(3) is None:
        return 0
    body = memoryview(message.body)
    return sum(_claimed(body, start, length) for start, length in batch.pairs(2))


def _claimed(body: memoryview, start: int, length: int) -> int:
    """The uncompressed length of a buffer, which is its first eight bytes; -1 means as it is."""
    if length == 0:
        return 0
    if start < 0 or length < 8 or start + length > len(body):
        raise WrongClaim("a buffer outside its message")
    (claimed,) = struct.unpack_from("<q", body, start)
    if claimed < -1:
        raise WrongClaim("a negative buffer length")
    return max(int(claimed), 0)


class _Table:
    """One FlatBuffers table; fields are numbered as in the schema file."""

    def __init__(self, data: memoryview, place: int) -> None:
        self._data, self._place = data, place
        self._vtable = place - struct.unpack_from("<i", data, place)[0]
        if self._vtable < 0 or place < 0:
            raise WrongClaim("metadata out of bounds")
        self._size = struct.unpack_from("<H", data, self._vtable)[0]

    @staticmethod
    def offset_at(data: memoryview, place: int) -> int:
        return place + int(struct.unpack_from("<I", data, place)[0])

    def _field(self, number: int) -> int | None:
        entry = 4 + 2 * number
        if entry + 2 > self._size:
            return None
        (offset,) = struct.unpack_from("<H", self._data, self._vtable + entry)
        return self._place + int(offset) if offset else None

    def byte(self, number: int) -> int:
        place = self._field(number)
        return 0 if place is None else int(struct.unpack_from("<B", self._data, place)[0])

    def table(self, number: int) -> _Table | None:
        place = self._field(number)
        return None if place is None else _Table(self._data, self.offset_at(self._data, place))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """A vector of structs of two int64."""
        place = self._field(number)
        if place is None:
            return []
        start = self.offset_at(self._data, place)
        (count,) = struct.unpack_from("<I", self._data, start)
        if start + 4 + 16 * count > len(self._data):
            raise WrongClaim("metadata out of bounds")
        return list(struct.iter_unpack("<qq", self._data[start + 4 : start + 4 + 16 * count]))
