"""Memory that a state is copied into at the barrier: page-aligned, and touched before it is needed.

The first touch of fresh memory costs 0.5 to 3 s a GiB, which would be the stall of every save.
"""

from __future__ import annotations

import mmap
import threading
from contextlib import suppress

import numpy as np

from lianji.learn.checkpoint.image import PAGE_BYTES
from lianji.learn.checkpoint.leaves import Bytes

SLOTS = 2
"""One is written to disk while the next is filled."""


class Slot:
    def __init__(self) -> None:
        self.memory: Bytes = np.empty(0, np.uint8)

    def hold(self, size: int) -> None:
        """Have room for so many bytes, touched."""
        if len(self.memory) < size:
            self.memory = np.empty(0, np.uint8)
            self.memory = touched(size)


def touched(size: int) -> Bytes:
    """Page-aligned memory of so many bytes that is really there."""
    room = mmap.mmap(-1, max(size, PAGE_BYTES))
    with suppress(OSError, AttributeError):
        room.madvise(mmap.MADV_HUGEPAGE)
    memory = np.frombuffer(room, np.uint8)
    memory[::PAGE_BYTES] = 0
    return memory


class Slots:
    """Two slots; who wants a third waits."""

    def __init__(self) -> None:
        self._slots = [Slot() for _ in range(SLOTS)]
        self._free = [*self._slots]
        self._changed = threading.Condition()

    def prepare(self, size: int) -> None:
        """Give every slot that is free now room for so many bytes."""
        with self._changed:
            for slot in self._free:
                slot.hold(size)

    def take(self, size: int) -> Slot:
        """A slot with room for so many bytes; waits until one is free."""
        with self._changed:
            self._changed.wait_for(lambda: self._free)
            slot = self._free.pop()
        try:
            slot.hold(size)
        except BaseException:
            self.give_back(slot)
            raise
        return slot

    def give_back(self, slot: Slot) -> None:
        with self._changed:
            self._free.append(slot)
            self._changed.notify()
