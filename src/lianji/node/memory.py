"""Memory of the running process: what is no longer needed goes back to the system.

Columns of a million samples come and go with every flush. By default the C library keeps them in
an arena a thread and Arrow keeps them in a pool of its own. One pool and two arenas hold 20 MB less
at 100,000 samples a second and cost nothing (measured); a mapping of its own for each large block
would hold no less and cost a tenth of the processor.

Where pandas is installed, pyarrow loads it with the first array, to see whether somebody hands it a
frame: 50 MB (measured). Nobody does in this process.
"""

from __future__ import annotations

import ctypes
import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa

_M_ARENA_MAX = -8


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(f"No module named {fullname!r} in this process")


def keep_memory_small() -> None:
    """Call once, early. Does nothing where the C library is not glibc."""
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _WithoutPandas())
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, 2)
