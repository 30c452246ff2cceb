"""Doing the same to many files at once: a disk or a store answers several in the time of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(do: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """The results in order. Raises what the first that failed raised, when all have ended."""
    if len(items) < 2:
        return [do(item) for item in items]
    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        return list(pool.map(do, items))
