"""The content of a message over the line, from any byte on: a line that breaks loses nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ContentOf = Callable[[str, str], Path]
"""Edge and message's id -> the file. Raises NotFound for what is not for this edge."""
PIECE_BYTES = 256 * 1024


def start_of(query: bytes) -> int:
    found = re.search(rb"(?:^|&)from=([0-9]{1,18})(?:&|$)", query)
    return int(found[1]) if found else 0


async def send_file(
    send: Send, path: Path, start: int, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    """Answer with the file's bytes from ``start`` on; none if it is shorter."""
    with await asyncio.to_thread(path.open, "rb") as file:
        left = max(0, path.stat().st_size - start)
        await asyncio.to_thread(file.seek, start)
        fixed = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % left),
        ]
        begin = {"type": "http.response.start", "status": 200, "headers": [*fixed, *headers]}
        await send(begin)
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, left))
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            if not piece:
                return
        if not path.stat().st_size > start:
            await send({"type": "http.response.body", "body": b""})
