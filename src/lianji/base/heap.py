"""The C library's heap: small while little happens, fast while much does.

Columns of a million samples come and go with every flush. A mapping of its own for each block from
128 KiB on gives every byte back at once, and costs a page fault for every 4 KiB: nothing that
counts at 100,000 samples a second (20 MB less are held, for half a percent of a core), a third of
the speed at millions. So the node asks for a small heap, and the historian says when there is much
to do; then blocks of less than a MiB, which are most, stay in the heap.

Does nothing before ``keep_small`` was called, and where the C library is not glibc.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_SMALL_BYTES = 128 * 1024
_FAST_MAPPED_BYTES, _FAST_KEPT_BYTES = 1 << 20, 16 << 20
FAST_S = 10.0
"""So long after the last word of much to do the heap becomes small again."""

_mallopt: Callable[[int, int], int] | None = None
_trim: Callable[[int], int] | None = None
_fast_until_s = 0.0


def choose_arrow_pool() -> None:
    """Let Arrow take from this heap too, and not from a pool of its own, which holds 25 MB more
    (measured). Arrow looks when it is loaded: the program says it first of all."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def keep_small() -> None:
    """Call once, early: two arenas, and what is free goes back to the system."""
    global _mallopt, _trim
    try:
        library = ctypes.CDLL("libc.so.6")
        _mallopt, _trim = library.mallopt, library.malloc_trim
    except (OSError, AttributeError):
        return
    _mallopt(_M_ARENA_MAX, 2)
    _set(_SMALL_BYTES, _SMALL_BYTES)


def much_to_do(much: bool) -> None:
    """Say so with every flush."""
    global _fast_until_s
    if _mallopt is None or _trim is None:
        return
    now_s = time.monotonic()
    if much:
        if not _fast_until_s:
            _set(_FAST_MAPPED_BYTES, _FAST_KEPT_BYTES)
        _fast_until_s = now_s + FAST_S
    elif _fast_until_s and now_s > _fast_until_s:
        _fast_until_s = 0.0
        _set(_SMALL_BYTES, _SMALL_BYTES)
        _trim(0)


def _set(mapped_bytes: int, kept_bytes: int) -> None:
    assert _mallopt is not None
    _mallopt(_M_MMAP_THRESHOLD, mapped_bytes)
    _mallopt(_M_TRIM_THRESHOLD, kept_bytes)
