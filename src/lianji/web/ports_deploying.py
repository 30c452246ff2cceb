"""What the pages of running models are handed."""

from __future__ import annotations

from typing import Protocol

from lianji.learn.deployment.shown import Shown
from lianji.learn.deployment.stages import Stage


class DeployingView(Protocol):
    """The models of a running plant. All but ``any`` block. ``node.deploying`` says more of each.

    Raise NotFound, InputError, Conflict, StorageError.
    """

    def any(self) -> bool: ...

    def listed(self) -> list[Shown]: ...

    def found(self, name: str, version: int) -> Shown: ...

    def take(self, content: bytes, by: str) -> Shown:
        """A signed bundle; it is at the first stage then."""
        ...

    def move(self, name: str, version: int, stage: Stage, by: str) -> Shown: ...
