"""Memory of the running process: what is no longer needed goes back to the system.

Arrow takes from the C library's heap, which ``base/heap.py`` keeps small, and not from a pool of
its own.

Where pandas is installed, pyarrow loads it with the first array, to see whether somebody hands it a
frame: 50 MB (measured). Nobody does in this process.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa

from lianji.base import heap


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(f"No module named {fullname!r} in this process")


def keep_memory_small() -> None:
    """Call once, early."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _WithoutPandas())
    pa.set_memory_pool(pa.system_memory_pool())
    heap.keep_small()
