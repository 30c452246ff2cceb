"""What the web needs of a plant, and nothing more.

The node builds the rooms and hands them over behind these protocols; the web never sees how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.errors import Language, LianjiError
from lianji.dictionary.tag import Tag
from lianji.web.dashboard import Dashboard, DashboardEntry, KeptDashboard
from lianji.web.status import PlantStatus


class HistoryView(Protocol):
    """Questions to the historian. All block, so they are asked from a worker thread.

    Times are microseconds since 1970 UTC, a range includes its start and excludes its end. Tags
    may be patterns. Sample tables have the columns tag, time, value, text, quality. A tag that
    never had a sample is an error NotFound. ``history.history.History`` says more of each.
    """

    @property
    def unreadable(self) -> Mapping[str, LianjiError]:
        """Files whose rows answers lack, by path."""
        ...

    def paths(self, tags: Sequence[str] | None) -> Sequence[str]: ...

    def rows_expected(self, tags: Sequence[str], start_us: int, end_us: int) -> int: ...

    def read_in_parts(
        self, tags: Sequence[str], start_us: int, end_us: int, bounds: bool = False
    ) -> Iterator[pa.Table]: ...

    def last(self, tags: Sequence[str] | None = None) -> pa.Table: ...

    def at(self, tags: Sequence[str], time_us: int | Sequence[int]) -> pa.Table: ...

    def interpolated(
        self, tags: Sequence[str], start_us: int, end_us: int, step_us: int
    ) -> pa.Table: ...

    def plot(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        pixels: int,
        method: Literal["minmax", "lttb"] = "minmax",
    ) -> pa.Table: ...

    def aggregate(
        self,
        tags: Sequence[str],
        start_us: int,
        end_us: int,
        step_us: int,
        functions: Sequence[str],
        *,
        with_status: bool = False,
    ) -> pa.Table: ...

    def gaps(self, tags: Sequence[str], start_us: int, end_us: int, longer_us: int) -> pa.Table: ...

    def modified(self, tags: Sequence[str], start_us: int, end_us: int) -> pa.Table: ...

    def annotations(self, tags: Sequence[str] | None, start_us: int, end_us: int) -> pa.Table: ...

    def annotate(
        self, tag: str, start_us: int, end_us: int, text: str, author: str, identity: str
    ) -> str: ...

    def delete_annotation(self, identity: str) -> None: ...

    def sql(self, query: str, limit: int | None = None) -> pa.Table: ...


class DashboardsView(Protocol):
    """The plant's dashboards. All block, so they are asked from a worker thread.

    ``node.dashboards.Dashboards`` says more of each.
    """

    def listed(self) -> Sequence[DashboardEntry]: ...

    def found(self, name: str) -> KeptDashboard: ...

    def save(self, name: str, dashboard: Dashboard, version: str) -> str: ...

    def delete(self, name: str, version: str) -> None: ...


class PlantView(Protocol):
    """A running plant, seen from the outside."""

    @property
    def history(self) -> HistoryView: ...

    @property
    def dashboards(self) -> DashboardsView: ...

    def title(self, language: Language) -> str: ...

    def status(self) -> PlantStatus:
        """What is, derived from fresh data. Quick: it is asked every two seconds by each page."""
        ...

    def tags(self) -> Sequence[Tag]: ...

    def heard(self, path: str) -> bool:
        """True once a sample of this tag was taken, so that the history knows it. Quick."""
        ...

    async def append(
        self,
        paths: Sequence[str],
        path_index: NDArray[np.int32],
        times_us: NDArray[np.int64],
        values: NDArray[np.float64],
        quality: NDArray[np.uint16] | None,
        texts: Any,
        origin: str,
    ) -> int:
        """Store samples; row ``i`` belongs to ``paths[path_index[i]]``.

        Returns the spool's sequence once the samples are on disk. ``texts`` is as ``Batch.of``
        takes it: None, strings or None, or an Arrow string array. ``origin`` says who sends
        them. Raises Busy, StorageError.
        """
        ...
