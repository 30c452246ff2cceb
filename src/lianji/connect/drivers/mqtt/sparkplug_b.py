"""The part of Sparkplug B's payload that carries values, as protobuf messages.

Field numbers are those of the Sparkplug 3.0 specification, section 6.4 (``sparkplug_b.proto``).
The schema is built here rather than generated: it is short, it stays readable, and protobuf's C
parser does the work either way. Data sets, templates and metadata are left out; protobuf skips
fields that a schema does not name. The messages live in a pool of their own, so that another
library's full schema does not collide with this one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

# protobuf ships no types; the protocols below are our typed view of it.
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
)

UNPACKED_BYTES_MAX = 4 << 20
COMPRESSED = "SPBV1.0_COMPRESSED"
BOOLEAN = 11

DATATYPES: tuple[str, ...] = (
    "Unknown",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
    "UUID",
    "DataSet",
    "Bytes",
    "File",
    "Template",
    "PropertySet",
    "PropertySetList",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "UInt8Array",
    "UInt16Array",
    "UInt32Array",
    "UInt64Array",
    "FloatArray",
    "DoubleArray",
    "BooleanArray",
    "StringArray",
    "DateTimeArray",
)


class PropertyValue(Protocol):
    int_value: int
    long_value: int

    def HasField(self, name: str) -> bool: ...


class PropertySet(Protocol):
    keys: Sequence[str]
    values: Sequence[PropertyValue]


class Metric(Protocol):
    """Sparkplug 3.0, section 6.4.6."""

    name: str
    alias: int
    timestamp: int
    datatype: int
    is_historical: bool
    is_null: bool
    properties: PropertySet
    int_value: int
    long_value: int
    float_value: float
    double_value: float
    boolean_value: bool
    string_value: str | bytes
    """Bytes where the text is not UTF-8."""

    def HasField(self, name: str) -> bool: ...
    def WhichOneof(self, group: str) -> str | None: ...


class Metrics(Protocol):
    def __iter__(self) -> Iterator[Metric]: ...
    def __len__(self) -> int: ...
    def add(self) -> Metric: ...


class Payload(Protocol):
    """Sparkplug 3.0, section 6.4.4; times in milliseconds UTC."""

    timestamp: int
    metrics: Metrics
    seq: int
    uuid: str
    body: bytes

    def HasField(self, name: str) -> bool: ...
    def ParseFromString(self, serialized: bytes) -> int: ...
    def SerializeToString(self) -> bytes: ...


_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "lianji.sparkplug"
_SCHEMA = {
    "Payload": "1 timestamp uint64, 2 metrics *Metric, 3 seq uint64, 4 uuid string, 5 body bytes",
    "Metric": "1 name string, 2 alias uint64, 3 timestamp uint64, 4 datatype uint32,"
    "5 is_historical bool, 6 is_transient bool, 7 is_null bool, 9 properties PropertySet,"
    "10 int_value |uint32, 11 long_value |uint64, 12 float_value |float, 13 double_value |double,"
    "14 boolean_value |bool, 15 string_value |string, 16 bytes_value |bytes",
    "PropertySet": "1 keys *string, 2 values *PropertyValue",
    "PropertyValue": "1 type uint32, 2 is_null bool, 3 int_value |uint32, 4 long_value |uint64",
}
"""Number, name and type of each field; ``*`` is repeated, ``|`` one of the alternatives."""


def _payload_class() -> type[Payload]:
    file = descriptor_pb2.FileDescriptorProto(
        name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, lines in _SCHEMA.items():
        kind = file.message_type.add(name=name)
        for line in lines.split(","):
            number, field_name, type_name = line.split()
            field = kind.field.add(name=field_name, number=int(number), label=_Field.LABEL_OPTIONAL)
            if type_name[0] == "*":
                field.label = _Field.LABEL_REPEATED
            elif type_name[0] == "|":
                if not kind.oneof_decl:
                    kind.oneof_decl.add(name="value")
                field.oneof_index = 0
            bare = type_name.lstrip("*|")
            if bare in _SCHEMA:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{bare}"
            else:
                field.type = getattr(_Field, f"TYPE_{bare.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{_PACKAGE}.Payload")
    return cast("type[Payload]", message_factory.GetMessageClass(found))


NewPayload = _payload_class()


def parse_payload(raw: bytes) -> Payload:
    """A payload, unpacked if it came compressed. Raises ValueError for anything else."""
    payload = _parse(raw)
    try:
        packed = payload.uuid == COMPRESSED
    except UnicodeDecodeError:
        packed = False
    return _parse(_unpacked(payload.body)) if packed else payload


def _parse(raw: bytes) -> Payload:
    payload = NewPayload()
    try:
        payload.ParseFromString(raw)
    except (message.DecodeError, RecursionError) as error:
        raise ValueError("not a Sparkplug B payload") from error
    return payload


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip, told by the header
    try:
        raw = unpacker.decompress(body, UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise ValueError("a compressed Sparkplug B payload that cannot be unpacked") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("a compressed Sparkplug B payload that is cut off or too large")
    return raw


def rebirth_command(now_ms: int) -> bytes:
    """The NCMD that asks an edge node for its birth certificates (section 6.4.20)."""
    payload = NewPayload()
    payload.timestamp = now_ms
    metric = payload.metrics.add()
    metric.name = "Node Control/Rebirth"
    metric.timestamp = now_ms
    metric.datatype = BOOLEAN
    metric.boolean_value = True
    return payload.SerializeToString()
