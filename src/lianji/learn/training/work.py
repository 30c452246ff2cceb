"""What a trainer is given: the specification, the frozen rows, and how to say how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lianji.learn.training.frozen import Frozen

if TYPE_CHECKING:
    from lianji.learn.training.spec import TrainingSpec


class Stopped(Exception):
    """The training was asked to stop, and did."""


class Progress(Protocol):
    """``done`` of ``of`` steps; figures so far by name."""

    def __call__(self, done: float, of: float, **metrics: float) -> None: ...


def _silent(done: float, of: float, **metrics: float) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Work:
    """One training. ``folder`` is its own: artefacts and checkpoints go there."""

    name: str
    spec: TrainingSpec
    frozen: Frozen
    folder: Path
    progress: Progress = _silent
    stopping: threading.Event = field(default_factory=threading.Event)
    now_us: Callable[[], int] | None = None
    """The clock; by default the real one. The model's bytes never depend on it."""

    def check_stopping(self) -> None:
        """Raises Stopped where it was asked for."""
        if self.stopping.is_set():
            raise Stopped
