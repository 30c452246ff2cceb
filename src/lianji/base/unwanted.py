"""Libraries load others in case somebody wants them; a running plant refuses those that it never
wants.

What each would cost, measured as resident memory: pandas, which pyarrow loads with the first array
to see whether somebody hands it a frame, 50 MB; rich's tracebacks with Pygments, which structlog
loads to colour a terminal, 5 MB; Arrow's own clients of object stores, where ours is obstore, 3 MB.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import MetaPathFinder

NEVER = (
    "pandas",
    "pyarrow._azurefs",
    "pyarrow._gcsfs",
    "pyarrow._hdfs",
    "pyarrow._s3fs",
)


class _Refused(MetaPathFinder):
    """Says of some modules that they are not installed, which their users are prepared for."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r} in this process")


_never = _Refused(frozenset(NEVER))


def refuse() -> None:
    """Call early: what is loaded already stays. A second call does nothing."""
    if _never not in sys.meta_path:
        sys.meta_path.insert(0, _never)


def load_logging() -> None:
    """structlog without rich, which others of this process may still load."""
    without = _Refused(frozenset({"rich", "rich.console", "rich.traceback"}))
    sys.meta_path.insert(0, without)
    try:
        importlib.import_module("structlog")
    finally:
        sys.meta_path.remove(without)
