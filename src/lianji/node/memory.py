"""Memory of the running process: what is no longer needed goes back to the system.

Columns of millions of samples come and go with every flush. By default the C library keeps them
in an arena a thread and Arrow keeps them in a pool of its own; on a small box that is a hundred
megabytes that nobody uses (measured).
"""

from __future__ import annotations

import ctypes

import pyarrow as pa

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_OWN_MAPPING_BYTES = 256 * 1024
"""Larger blocks get a mapping of their own, which ends with them."""


def keep_memory_small() -> None:
    """Call once, early. Does nothing where the C library is not glibc."""
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, 2)
    mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_BYTES)
