"""What the web needs of a demo within a plant: whether it is there, its start and its end."""

from __future__ import annotations

from typing import Protocol


class DemoView(Protocol):
    """Simulated machines in a plant of one's own. ``node.demo.within.DemoWithin`` says more."""

    @property
    def is_here(self) -> bool:
        """Quick: every page asks."""
        ...

    @property
    def may_start(self) -> bool:
        """Only a plant without machines may have it. Quick."""
        ...

    async def start(self, author: str) -> str:
        """Returns the version that has its machines, once they answer.

        Raises Conflict where the plant has machines already, LinkDown, DeviceTimeout.
        """
        ...

    async def remove(self, author: str) -> str:
        """Returns the version without its machines. Raises NotFound, Conflict, StorageError."""
        ...
