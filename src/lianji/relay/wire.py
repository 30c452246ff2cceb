"""What goes over the line: records as they lie in the spool, squeezed, with their digest.

Headers: ``Content-Digest`` (RFC 9530, sha-256), ``Content-Encoding: zstd``, ``Lianji-Length`` (how
many bytes it was before squeezing: the receiver takes no more than that, so no bomb can grow),
``Lianji-Previous`` (see ``lanes.Mark``), ``Lianji-Generation`` and ``Lianji-Generation-Proof`` (of
the hub, and the highest that the edge saw; see ``generation``).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa

from lianji.base.errors import InputError, Text
from lianji.relay.lanes import THINNED, Mark
from lianji.spool.record import Kind, Record, record_at

BODY_BYTES_MAX = 32 * 1024 * 1024
LENGTH_MAX = 128 * 1024 * 1024
RECORDS_MAX = 20_000
_LEVEL = 3
_SMALL = 256
PREVIOUS = "lianji-previous"
LENGTH = "lianji-length"
GENERATION = "lianji-generation"
GENERATION_PROOF = "lianji-generation-proof"


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body, ready to be sent."""

    content: bytes
    length: int
    digest: str
    squeezed: bool

    @property
    def headers(self) -> dict[str, str]:
        headers = {"content-digest": self.digest, LENGTH: str(self.length)}
        if self.squeezed:
            headers["content-encoding"] = "zstd"
        return headers


def pack_body(parts: Iterable[bytes | memoryview]) -> Body:
    content = b"".join(parts)
    length = len(content)
    squeezed = length > _SMALL
    if squeezed:
        content = pa.Codec("zstd", _LEVEL).compress(content, asbytes=True)
    return Body(content, length, digest_of(content), squeezed)


def digest_of(content: bytes | memoryview) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def unpack_body(content: bytes, encoding: str, length: int, digest: str) -> memoryview:
    """The bytes as they were. Raises InputError if they lie about their digest or length."""
    if digest != digest_of(content):
        raise wrong_body("its digest is not that of its bytes", "摘要与内容不符")
    if encoding == "zstd":
        try:
            content = pa.Codec("zstd").decompress(content, length, asbytes=True)
        except (OSError, pa.ArrowException) as error:
            raise wrong_body(f"it cannot be unpacked: {error}", f"无法解压：{error}") from error
    elif encoding:
        raise wrong_body(f"its encoding is {encoding[:40]!r}", f"编码为 {encoding[:40]!r}")
    if len(content) != length:
        raise wrong_body("its length is not what it says", "长度与声明不符")
    return memoryview(content)


def records_of(data: memoryview) -> list[Record]:
    """The records of a body. Raises InputError if one does not check, or they do not ascend."""
    records: list[Record] = []
    offset = 0
    while offset < len(data):
        record = record_at(data, offset)
        if record is None:
            raise wrong_body(
                f"at byte {offset} is no whole record", f"第 {offset} 字节处不是完整记录"
            )
        if len(records) >= RECORDS_MAX:
            raise wrong_body(f"it has more than {RECORDS_MAX:,} records", "记录过多")
        records.append(record)
        offset += len(record.raw)
    told = [record.sequence for record in records if record.kind is not Kind.TAGS]
    if any(after <= before for before, after in pairwise(told)):
        raise wrong_body("its records are not in order", "记录顺序错误")
    return records


def marks_of(records: Sequence[Record]) -> list[Mark]:
    """The marks of records; one that was thinned has a check that cannot be compared."""
    return [Mark(one.sequence, THINNED if one.level else one.check) for one in records]


def wrong_body(en: str, zh: str) -> InputError:
    return InputError(
        "relay-body-invalid",
        Text(f"The body was not taken: {en}.", f"未接收请求内容：{zh}。"),
        Text(
            "Nothing is lost: the edge sends it again. If this stays, look at what lies between "
            "edge and hub, and at the edge's disk.",
            "数据没有丢失，边缘端会重新发送。若持续出现，请检查网络设备及边缘端磁盘。",
        ),
    )
