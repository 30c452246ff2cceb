"""A bounded memory of names that were worked out before.

Machines send the same names again and again, so a name is parsed once and then looked up. The
memory has two generations: when the young one is full it becomes the old one, and what is still
in use moves back by being used. That is nearly least-recently-used, at the price of one
dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=bytes | str)

KEY_LENGTH_MAX = 512
"""Longer keys are worked out each time, so that the memory is bounded in bytes too."""


class Recent(Generic[Key]):
    """``work_out`` with a memory of between ``size_max`` and twice ``size_max`` results."""

    def __init__(self, work_out: Callable[[Key], str | None], size_max: int) -> None:
        self._work_out = work_out
        self._size_max = size_max
        self._young: dict[Key, str] = {}
        self._old: dict[Key, str] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def all(self, keys: Iterable[Key]) -> list[str | None]:
        """The result a key; None where there is none (which is not remembered)."""
        young = self._young.get
        found = [young(key) for key in keys]
        if None in found:
            found = [
                self._missed(key) if known is None else known
                for key, known in zip(keys, found, strict=True)
            ]
        return found

    def one(self, key: Key) -> str | None:
        return self._young.get(key) or self._missed(key)

    def _missed(self, key: Key) -> str | None:
        known = self._old.get(key) or self._work_out(key)
        if known is not None and len(key) <= KEY_LENGTH_MAX:
            if len(self._young) >= self._size_max:
                self._old, self._young = self._young, {}
            self._young[key] = known
        return known
