"""Ids that sort by time and never collide (UUID version 7, RFC 9562 section 5.7)."""

from __future__ import annotations

import os
import time


def new_id() -> bytes:
    """16 bytes: 48 bits of milliseconds, version, variant and 74 random bits."""
    head = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return head + bytes(tail)
