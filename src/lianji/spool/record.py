"""Records: what the bytes of a segment mean. Pure: values in, values out.

A record is a header of 48 bytes (magic, kind, flags, payload length, sequence, rows, the first
and last time of its samples, checksum) and its payload. The checksum is XXH3-64 over the header
without it and the payload, so a record that checks is whole and is itself. Kinds:

    BATCH   16-byte batch id, its marks, who sent it (by flag 2: a byte of length, UTF-8), which
            records of which edges it has (by flag 4: how many lanes, two bytes; of each a byte
            of length, the edge in UTF-8, 16 bytes of epoch, lane, sequence, check), an Arrow IPC
            record batch message (zstd), without the column text by flag 1
    COLUMNS the same, with the samples as ``columns`` writes them: what is written since. Whoever
            knows no such kind takes no such record, and loses none
    TAGS    the paths of the tag ids that the records behind it in the same segment use
    GAP     what was dropped, thinned or found damaged, here or at an edge: JSON
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import cache

import numpy as np
import pyarrow as pa
import xxhash

from lianji.dictionary.batch import SCHEMA, Batch, wrong_batch
from lianji.dictionary.source import Source
from lianji.spool.columns import ROWS_MAX, decode_columns, encode_columns
from lianji.trace.marks import Marks

MAGIC = b"LJR1"
_HEAD = struct.Struct("<4sBBHIQIqqQ")
_CHECKED = _HEAD.size - 8
HEADER_BYTES = _HEAD.size
RECORD_BYTES_MAX = 256 * 1024 * 1024
_WITHOUT_TEXT = SCHEMA.remove(SCHEMA.get_field_index("text"))
_NO_TEXT = 0x01
_ORIGIN = 0x02
_SOURCE = 0x04
ORIGIN_BYTES_MAX = 255
EDGE_BYTES_MAX = 255
SOURCES_MAX = 65_535
_BATCH_HEAD = struct.Struct("<16sH")
_COUNT = struct.Struct("<H")
_PLACE = struct.Struct("<16sQQQ")
_END_OF_STREAM_BYTES = 8
_IPC = pa.ipc.IpcWriteOptions(
    compression=pa.Codec("zstd", compression_level=1),
    use_threads=False,  # a record is too small for them: they cost as much again (measured)
)
_IPC_READ = pa.ipc.IpcReadOptions(use_threads=False)
_SMALL_BYTES = 128 * 1024
"""Messages up to this are read by one thread, for the same reason."""


class Kind(IntEnum):
    BATCH = 1
    TAGS = 2
    GAP = 3
    COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that will not come: which sequences, how many rows, of when, and why."""

    reason: str
    first: int
    last: int
    rows: int
    start_us: int
    end_us: int
    sources: tuple[Source, ...] = ()
    """Of a gap that an edge told: the sequences are those of the edge's spool."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record that checked. ``level`` counts how often it was thinned."""

    kind: Kind
    flags: int
    level: int
    sequence: int
    rows: int
    start_us: int
    end_us: int
    payload: memoryview
    raw: memoryview
    """The whole record as it lies in the file."""
    check: int
    """Its checksum, unsigned 64 bit."""

    @property
    def is_batch(self) -> bool:
        return self.kind in (Kind.BATCH, Kind.COLUMNS)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record: where they begin and how many they are."""

    offset: int
    length: int


def encode(
    kind: Kind,
    sequence: int,
    payload: list[bytes | memoryview],
    *,
    flags: int = 0,
    level: int = 0,
    rows: int = 0,
    start_us: int = 0,
    end_us: int = 0,
) -> list[bytes | memoryview]:
    """The parts of one record, to be written one behind the other."""
    length = sum(len(part) for part in payload)
    head = _HEAD.pack(MAGIC, kind, flags, level, length, sequence, rows, start_us, end_us, 0)
    digest = xxhash.xxh3_64(head[:_CHECKED])
    for part in payload:
        digest.update(part)
    return [head[:_CHECKED] + struct.pack("<Q", digest.intdigest()), *payload]


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch or a gap as a record's payload: all of the work that needs no sequence number."""

    kind: Kind
    parts: list[bytes | memoryview]
    flags: int
    rows: int
    start_us: int
    end_us: int

    @property
    def record_bytes(self) -> int:
        return HEADER_BYTES + sum(len(part) for part in self.parts)

    def record(self, sequence: int, level: int = 0) -> list[bytes | memoryview]:
        """The parts of the record that gives it this number."""
        return encode(
            self.kind,
            sequence,
            self.parts,
            flags=self.flags,
            level=level,
            rows=self.rows,
            start_us=self.start_us,
            end_us=self.end_us,
        )


def pack(content: Batch | Gap) -> Packed:
    """Compress a batch. Any thread may: Arrow compresses without holding the interpreter.

    Raises InputError for a source whose edge has a name of more than 255 bytes.
    """
    return _pack_gap(content) if isinstance(content, Gap) else _pack_batch(content)


def _pack_batch(batch: Batch) -> Packed:
    flags = 0
    head = _BATCH_HEAD.pack(batch.id, len(batch.marks))
    head += np.array(batch.marks, dtype="<i8").tobytes()
    if batch.origin:
        flags |= _ORIGIN
        name = batch.origin.encode()[:ORIGIN_BYTES_MAX]
        head += bytes([len(name)]) + name
    if batch.sources:
        flags |= _SOURCE
        head += _sources_bytes(batch.sources)
    if len(batch) <= ROWS_MAX:
        columns, start, end = encode_columns(batch.samples)
        return Packed(Kind.COLUMNS, [head, *columns], flags, len(batch), start, end)
    times = batch.times_us
    message, without = _arrow(batch.samples)
    start, end = int(times.min()), int(times.max())
    return Packed(Kind.BATCH, [head, message], flags | without, len(batch), start, end)


def _arrow(samples: pa.RecordBatch) -> tuple[memoryview, int]:
    """The message of many rows, and the flag of what it leaves out."""
    text = samples.column(3)
    if text.null_count < len(text):
        return _message(samples), 0
    return _message(samples.remove_column(3)), _NO_TEXT


def _pack_gap(gap: Gap) -> Packed:
    told = {name: value for name, value in asdict(gap).items() if value != ()}
    return Packed(Kind.GAP, [json.dumps(told).encode()], 0, 0, gap.start_us, gap.end_us)


def _sources_bytes(sources: Sequence[Source]) -> bytes:
    if len(sources) > SOURCES_MAX:
        raise wrong_batch(
            f"One record has more than {SOURCES_MAX} lanes.",
            f"一条记录的通道超过 {SOURCES_MAX} 个。",
        )
    return _COUNT.pack(len(sources)) + b"".join(map(_source_bytes, sources))


def _source_bytes(source: Source) -> bytes:
    name = source.edge.encode()
    if len(name) > EDGE_BYTES_MAX:
        raise wrong_batch(
            f"The name of the edge has more than {EDGE_BYTES_MAX} bytes.",
            f"边缘名称超过 {EDGE_BYTES_MAX} 字节。",
        )
    epoch = bytes.fromhex(source.epoch)
    place = _PLACE.pack(epoch, source.lane, source.sequence, source.check)
    return bytes([len(name)]) + name + place


def encode_batch(sequence: int, batch: Batch, level: int = 0) -> list[bytes | memoryview]:
    return pack(batch).record(sequence, level)


def _message(samples: pa.RecordBatch) -> memoryview:
    """The compressed IPC message of a batch, without the schema, which every record shares."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, samples.schema, options=_IPC) as writer:
        writer.write_batch(samples)
    stream = memoryview(sink.getvalue())
    return stream[_schema_bytes(samples.schema) : -_END_OF_STREAM_BYTES]


def _read_message(message: memoryview, schema: pa.Schema) -> pa.RecordBatch:
    """What ``_message`` made."""
    if len(message) > _SMALL_BYTES:
        return pa.ipc.read_record_batch(pa.py_buffer(message), schema)
    stream = pa.py_buffer(b"".join([_schema_message(schema), message]))
    return pa.ipc.open_stream(stream, options=_IPC_READ).read_next_batch()


@cache
def _schema_message(schema: pa.Schema) -> bytes:
    return bytes(schema.serialize())


@cache
def _schema_bytes(schema: pa.Schema) -> int:
    return len(schema.serialize())


def decode_batch(record: Record) -> Batch:
    identity, count = _BATCH_HEAD.unpack_from(record.payload)
    body = _BATCH_HEAD.size + 8 * count
    marks = np.frombuffer(record.payload[_BATCH_HEAD.size : body], dtype="<i8").tolist()
    origin = ""
    if record.flags & _ORIGIN:
        after = body + 1 + record.payload[body]
        origin = bytes(record.payload[body + 1 : after]).decode(errors="replace")
        body = after
    sources: tuple[Source, ...] = ()
    if record.flags & _SOURCE:
        sources, body = _sources_at(record.payload, body)
    message = record.payload[body:]
    if record.kind is Kind.COLUMNS:
        samples = decode_columns(message, record.rows)
    elif record.flags & _NO_TEXT:
        samples = _read_message(message, _WITHOUT_TEXT)
        text = pa.nulls(samples.num_rows, pa.string())
        columns = [*samples.columns[:3], text, samples.column(3)]
        samples = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    else:
        samples = _read_message(message, SCHEMA)
    return Batch(samples, identity, Marks(marks), origin, sources)


def origin_of(record: Record) -> str:
    """Who says what a batch record holds, without decoding the rest of it."""
    if not record.flags & _ORIGIN:
        return ""
    _, count = _BATCH_HEAD.unpack_from(record.payload)
    at = _BATCH_HEAD.size + 8 * count
    return bytes(record.payload[at + 1 : at + 1 + record.payload[at]]).decode(errors="replace")


def sources_of(record: Record) -> tuple[Source, ...]:
    """Of which records of which edges a batch or a GAP is, without decoding the rest of it."""
    if record.kind is Kind.GAP:
        return decode_gap(record).sources
    if not record.flags & _SOURCE:
        return ()
    _, count = _BATCH_HEAD.unpack_from(record.payload)
    at = _BATCH_HEAD.size + 8 * count
    if record.flags & _ORIGIN:
        at += 1 + record.payload[at]
    return _sources_at(record.payload, at)[0]


def _sources_at(payload: memoryview, start: int) -> tuple[tuple[Source, ...], int]:
    """The sources that begin there, and where they end."""
    found, at = [], start + _COUNT.size
    for _ in range(_COUNT.unpack_from(payload, start)[0]):
        source, at = _source_at(payload, at)
        found.append(source)
    return tuple(found), at


def _source_at(payload: memoryview, start: int) -> tuple[Source, int]:
    """The source that begins there, and where it ends."""
    after = start + 1 + payload[start]
    edge = bytes(payload[start + 1 : after]).decode()
    epoch, lane, sequence, check = _PLACE.unpack_from(payload, after)
    return Source(edge, epoch.hex(), lane, sequence, check), after + _PLACE.size


def encode_tags(sequence: int, ids: list[int], paths: list[str]) -> list[bytes | memoryview]:
    lines = "".join(f"{tag}\t{path}\n" for tag, path in zip(ids, paths, strict=True)).encode()
    packed = pa.compress(lines, codec="zstd", asbytes=True)
    return encode(Kind.TAGS, sequence, [struct.pack("<I", len(lines)), packed], rows=len(ids))


def decode_tags(record: Record) -> dict[int, str]:
    (length,) = struct.unpack_from("<I", record.payload)
    lines = pa.decompress(record.payload[4:], length, codec="zstd", asbytes=True).decode()
    # not splitlines: a path may hold what Unicode calls a line separator
    pairs = (line.split("\t", 1) for line in lines.split("\n")[:-1])
    return {int(tag): path for tag, path in pairs}


def decode_gap(record: Record) -> Gap:
    told = json.loads(bytes(record.payload))
    sources = told.pop("sources", ())
    return Gap(**told, sources=tuple(Source(**source) for source in sources))


def decode(record: Record) -> Batch | Gap:
    """The content of a record that is no TAGS."""
    return decode_batch(record) if record.is_batch else decode_gap(record)


def record_bytes(data: memoryview) -> int | None:
    """How long the record is whose header these bytes begin with, by its own word; None if they
    are not the beginning of any."""
    if len(data) < HEADER_BYTES:
        return HEADER_BYTES
    magic, _, _, _, length, *_ = _HEAD.unpack_from(data)
    return HEADER_BYTES + length if magic == MAGIC and length <= RECORD_BYTES_MAX else None


def record_at(data: memoryview, offset: int) -> Record | None:
    """The record at this offset, or None if what is there does not check."""
    if offset + HEADER_BYTES > len(data):
        return None
    head = data[offset : offset + HEADER_BYTES]
    magic, kind, flags, level, length, sequence, rows, start, end, checksum = _HEAD.unpack(head)
    after = offset + HEADER_BYTES
    if magic != MAGIC or length > RECORD_BYTES_MAX or after + length > len(data):
        return None
    payload = data[after : after + length]
    digest = xxhash.xxh3_64(head[:_CHECKED])
    digest.update(payload)
    if digest.intdigest() != checksum or kind not in Kind._value2member_map_:
        return None
    raw = data[offset : after + length]
    return Record(Kind(kind), flags, level, sequence, rows, start, end, payload, raw, checksum)


def scan(data: memoryview, offset: int = 0) -> Iterator[tuple[int, Record | Damage]]:
    """Every record from an offset on, and every stretch of bytes that is none, with its offset.

    After damage the next record is found by its magic and checksum, so one flipped bit costs one
    record and no neighbour. Damage that reaches the end of the data is the last thing yielded.
    """
    haystack: bytes | None = None
    while offset < len(data):
        record = record_at(data, offset)
        if record is not None:
            yield offset, record
            offset += len(record.raw)
            continue
        if haystack is None:
            haystack = bytes(data)
        after = _next_record(data, haystack, offset + 1)
        yield offset, Damage(offset, after - offset)
        offset = after


def _next_record(data: memoryview, haystack: bytes, start: int) -> int:
    while (found := haystack.find(MAGIC, start)) >= 0:
        if record_at(data, found) is not None:
            return found
        start = found + 1
    return len(data)
