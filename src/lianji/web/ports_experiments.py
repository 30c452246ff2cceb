"""What the pages of experiments are handed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lianji.base.errors import LianjiError
from lianji.learn.experiments.comparing import Comparison
from lianji.learn.experiments.metrics import Series
from lianji.learn.experiments.record import Found


class ExperimentsView(Protocol):
    """The plant's experiments. All but ``any`` block.

    ``node.experiments.PlantExperiments`` says more of each.
    """

    def any(self) -> bool: ...

    def listed(self) -> dict[str, list[Found]]: ...

    def compared(
        self,
        name: str,
        runs: Sequence[str] = (),
        sort: str = "",
        worst_first: bool = False,
    ) -> tuple[Comparison, list[LianjiError]]:
        """Raises NotFound."""
        ...

    def found(self, name: str, run: str) -> Found:
        """Raises NotFound, StorageError."""
        ...

    def series(self, name: str, metric: str, runs: Sequence[str]) -> dict[str, Series]:
        """Raises NotFound."""
        ...

    def artefact(self, name: str, run: str, artefact: str) -> Path:
        """Raises NotFound."""
        ...
