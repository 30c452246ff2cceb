"""Bodies of requests: how large one may be, and how many are at work at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lianji.base.errors import InputError, Text
from lianji.relay.wire import BODY_BYTES_MAX, LENGTH_MAX, wrong_body

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class TooLarge(InputError):
    http_status = 413

    def __init__(self) -> None:
        super().__init__(
            "relay-body-too-large",
            Text(
                f"A body may have {BODY_BYTES_MAX >> 20} MiB, and {LENGTH_MAX >> 20} MiB unpacked.",
                f"内容不得超过 {BODY_BYTES_MAX >> 20} MiB，解压后不得超过 {LENGTH_MAX >> 20} MiB。",
            ),
            Text("Send fewer records at once.", "请减少单次发送的记录数。"),
        )


class Room:
    """So many bytes at once; who comes when it is full waits."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._changed = asyncio.Condition()

    def taken(self, count: int) -> _Taken:
        return _Taken(self, count)

    async def take(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= count)
            self._left -= count

    async def give(self, count: int) -> None:
        async with self._changed:
            self._left += count
            self._changed.notify_all()


class _Taken:
    def __init__(self, room: Room, count: int) -> None:
        self._room = room
        self._count = count

    async def __aenter__(self) -> None:
        await self._room.take(self._count)

    async def __aexit__(self, *_: object) -> None:
        await self._room.give(self._count)


async def read_body(receive: Receive, bytes_max: int) -> bytes:
    """The whole body. Raises the 413 as soon as it is larger, InputError if it breaks off."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise wrong_body("it broke off", "传输中断")
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise TooLarge()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_json(receive: Receive, bytes_max: int) -> dict[str, Any]:
    """An object. Raises as ``read_body``, InputError for what is none."""
    content = await read_body(receive, bytes_max)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise wrong_body(f"it is no report: {error}", f"不是有效的报告：{error}") from error
    if not isinstance(found, dict):
        raise wrong_body("it is no report", "不是有效的报告")
    return found
