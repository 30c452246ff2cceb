"""Memory of the running process: what is no longer needed goes back to the system.

Arrow takes from the C library's heap, which ``base/heap.py`` keeps small, and not from a pool of
its own. What no plant needs is not loaded at all: ``base/unwanted.py``.
"""

from __future__ import annotations

import pyarrow as pa

from lianji.base import heap, unwanted


def keep_memory_small() -> None:
    """Call once, early."""
    unwanted.refuse()
    pa.set_memory_pool(pa.system_memory_pool())
    heap.keep_small()
