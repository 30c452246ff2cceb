"""Request bodies within limits: on the wire, inflated, and all together.

A few kilobytes of gzip can hold gigabytes of zeros, so inflating stops at the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from lianji.base.errors import Busy, InputError, Text
from lianji.web.faults import TooLarge

WIRE_BYTES_MAX = 64 << 20
IN_FLIGHT_BYTES_MAX = 192 << 20
_GZIP = 16 + zlib.MAX_WBITS


class InFlight:
    """How many bytes of bodies are held at this moment by all requests together."""

    def __init__(self, bytes_max: int = IN_FLIGHT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self.bytes = 0

    @contextmanager
    def one(self) -> Iterator[Share]:
        share = Share(self)
        try:
            yield share
        finally:
            self.bytes -= share.bytes

    def take(self, size: int) -> None:
        if self.bytes + size > self._bytes_max:
            raise Busy(
                "pushes-busy",
                Text("Too many bytes are being pushed at once.", "同时推送的数据过多。"),
                Text(
                    "Send it again in a second; nothing was taken.", "请一秒后重发；数据未被接收。"
                ),
            )
        self.bytes += size


class Share:
    """What one request holds; given back as a whole when it ends."""

    def __init__(self, all_of_them: InFlight) -> None:
        self._all = all_of_them
        self.bytes = 0

    def take(self, size: int) -> None:
        self._all.take(size)
        self.bytes += size


async def read_body(request: Request, share: Share) -> bytes:
    """The body as it came. Raises TooLarge above 64 MiB, Busy when all together are too many."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > WIRE_BYTES_MAX:
        raise _too_large(WIRE_BYTES_MAX)
    chunks: list[bytes] = []
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > WIRE_BYTES_MAX:
            raise _too_large(WIRE_BYTES_MAX)
        share.take(len(chunk))
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def inflate(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """The body without its Content-Encoding (none, identity or gzip, RFC 9110 section 8.4).

    Raises TooLarge if more than ``bytes_max`` would come out, InputError if it is not gzip.
    """
    match encoding.strip().lower():
        case "" | "identity":
            if len(body) > bytes_max:
                raise _too_large(bytes_max)
            return body
        case "gzip" | "x-gzip":
            return b"".join(_members(body, bytes_max))
    raise InputError(
        "encoding-unknown",
        Text(f"The body is encoded as {encoding}.", f"请求体编码为 {encoding}。"),
        Text("Send it plain or as gzip.", "请不压缩或使用 gzip 发送。"),
    )


def _members(body: bytes, bytes_max: int) -> Iterator[bytes]:
    """A gzip file is one member after another (RFC 1952 section 2.2)."""
    left = bytes_max
    while body:
        member = zlib.decompressobj(_GZIP)
        try:
            content = member.decompress(body, left + 1)
        except zlib.error as error:
            raise _not_gzip() from error
        left -= len(content)
        if left < 0:
            raise _too_large(bytes_max)
        if not member.eof:
            raise _not_gzip()
        yield content
        body = member.unused_data


def _too_large(bytes_max: int) -> TooLarge:
    mib = bytes_max >> 20
    return TooLarge(
        "body-too-large",
        Text(f"The body is larger than {mib} MiB.", f"请求体超过 {mib} MiB。"),
        Text("Send it in several smaller requests.", "请分成多个较小的请求发送。"),
    )


def _not_gzip() -> InputError:
    return InputError(
        "gzip-damaged",
        Text("The body is not gzip, or its end is missing.", "请求体不是 gzip，或末尾缺失。"),
        Text("Compress it again, or send it plain.", "请重新压缩，或不压缩发送。"),
    )
