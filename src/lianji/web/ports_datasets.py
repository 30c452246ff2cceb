"""What the pages of data sets are handed."""

from __future__ import annotations

from typing import Protocol

from lianji.learn.datasets.manifest import Manifest
from lianji.learn.datasets.report.finding import Report


class DataSetsView(Protocol):
    """The plant's data sets. All but ``any`` block.

    ``node.datasets.PlantDataSets`` says more of each.
    """

    def any(self) -> bool: ...

    def listed(self) -> list[Manifest]: ...

    def found(self, name: str, version: int | None = None) -> tuple[Manifest, Report, list[int]]:
        """Raises NotFound, StorageError."""
        ...
