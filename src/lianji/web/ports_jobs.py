"""What the pages of jobs are handed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lianji.learn.jobs.job import JobRow, TenantRow


class JobsView(Protocol):
    """The plant's jobs. All but ``any`` block. ``node.jobs.PlantJobs`` says more of each."""

    def any(self) -> bool: ...

    def listed(self) -> list[JobRow]: ...

    def found(self, id: str) -> JobRow:
        """Raises NotFound."""
        ...

    def tenants(self) -> list[TenantRow]: ...

    def specs(self) -> list[str]:
        """The training specifications that lie in the plant's folder."""
        ...

    def submit_training(self, spec: str, asked: Mapping[str, Any], owner: str) -> JobRow:
        """Raises NotFound, InputError, Busy, StorageError."""
        ...

    def stop(self, id: str, who: str) -> JobRow:
        """Raises NotFound, InputError."""
        ...

    def log(self, id: str, start: int = ...) -> tuple[str, int]:
        """Raises NotFound."""
        ...
