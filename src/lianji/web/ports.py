"""What the web needs of a plant, and nothing more.

The node builds the rooms and hands them over behind these protocols; the web never sees how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.act.alarms.alarm import Defined
from lianji.act.alarms.lines import AlarmLine, Summary
from lianji.base.errors import Language, LianjiError, Text
from lianji.connect.forms import Form
from lianji.dictionary.tag import Tag
from lianji.web.dashboard import Dashboard, DashboardEntry, KeptDashboard
from lianji.web.demo_view import DemoView
from lianji.web.machines import (
    Decodes,
    FoundMachine,
    FoundTag,
    Machine,
    MachineSummary,
    Trial,
)
from lianji.web.ports_datasets import DataSetsView
from lianji.web.ports_deploying import DeployingView
from lianji.web.ports_experiments import ExperimentsView
from lianji.web.ports_hub import MessagesView, PlantsView, ReconcilingView
from lianji.web.ports_jobs import JobsView
from lianji.web.ports_models import ModelsView
from lianji.web.status import Fault, PlantStatus
from lianji.web.template_view import TemplatesView

if TYPE_CHECKING:
    pass


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

    def within(self, sees: Callable[[str], bool]) -> HistoryView:
        """The same of which only these paths are there."""
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


class AlarmsView(Protocol):
    """The plant's alarms. All block shortly, so they are asked from a worker thread.

    ``act.alarms.room.AlarmRoom`` says more of each.
    """

    @property
    def error(self) -> LianjiError | None: ...

    @property
    def version(self) -> int: ...

    def listed(self) -> list[AlarmLine]: ...

    def standing_out(self) -> list[AlarmLine]: ...

    def summary(self) -> Summary: ...

    def defined(self) -> list[Defined]: ...

    def journal(
        self,
        start_us: int,
        end_us: int,
        alarm: str = "",
        before: int | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]: ...

    def acknowledge(self, alarms: Sequence[str], who: str, note: str = "") -> int: ...

    def shelve(self, alarms: Sequence[str], minutes: float, who: str, note: str) -> int: ...

    def unshelve(self, alarms: Sequence[str], who: str) -> int: ...

    def take_out(self, alarms: Sequence[str], who: str, note: str) -> int: ...

    def put_back(self, alarms: Sequence[str], who: str) -> int: ...


class VersionView(Protocol):
    """One configuration of the past or the present."""

    @property
    def id(self) -> str: ...
    @property
    def time_us(self) -> int: ...
    @property
    def author(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def how(self) -> str:
        """start, change, hand, undo, restore or rollback."""
        ...

    @property
    def paths(self) -> Sequence[str]:
        """The files that it changed."""
        ...

    @property
    def rolled_back(self) -> Fault | None:
        """Why it was taken back by itself."""
        ...


class ConfigurationView(Protocol):
    """The plant's files, changed while it runs. All block: asked from a worker thread.

    A change is relative path -> new bytes, or None where the file is to go. Every change is
    checked as at the start of the plant, becomes a version, and is applied before this returns.
    Raise InputError (the first problem that the change would bring), Conflict (somebody was
    quicker), NotFound (no such version), StorageError.
    """

    def current(self) -> VersionView: ...

    def files(self) -> Mapping[str, bytes]:
        """What is in use."""
        ...

    def check(self, change: Mapping[str, bytes | None]) -> list[LianjiError]:
        """The problems that a change would bring; those that are there already are not told."""
        ...

    def apply(
        self,
        change: Mapping[str, bytes | None],
        author: str,
        note: str,
        base: str | None = None,
        force: bool = False,
    ) -> VersionView:
        """``base``: the id of the version that the change was made from. ``force``: keep it,
        whatever the devices say afterwards."""
        ...

    def versions(self) -> Sequence[VersionView]:
        """Newest first."""
        ...

    def version(self, identity: str) -> VersionView: ...

    def difference(self, version: str) -> str:
        """What a version changed, as a unified difference without secrets."""
        ...

    def difference_of(self, change: Mapping[str, bytes | None]) -> str: ...

    def undo(self, author: str, version: str | None = None, force: bool = False) -> VersionView:
        """Take back what one version changed, by default the newest."""
        ...

    def restore(self, version: str, author: str, force: bool = False) -> VersionView: ...

    def on_trial(self) -> Set[str]:
        """The versions that are taken back by themselves if their devices do not speak. Quick."""
        ...

    def keep(self, version: str) -> None:
        """End the trial of a version: it stays."""
        ...


class ConnectingView(Protocol):
    """Machines: listed, tried, found, turned into files. Speaking to them has bounds of its own.

    Raises InputError for a wrong form, Busy while others try, DeviceError, NotFound.
    """

    def forms(self) -> Sequence[Form]: ...

    def machines(self) -> Sequence[MachineSummary]: ...

    def machine(self, name: str) -> Machine: ...

    def prefix(self, name: str) -> str:
        """What the paths of a machine's tags begin with."""
        ...

    def change_for(self, machine: Machine) -> Mapping[str, bytes | None]:
        """The files that make the plant have this machine. Blocks."""
        ...

    def removal_of(self, name: str) -> Mapping[str, bytes | None]: ...

    async def trial(self, machine: Machine) -> Trial: ...

    async def browse(self, machine: Machine, start: str) -> list[FoundTag]: ...

    async def scan(self, hosts: str, ports: Sequence[int]) -> Sequence[FoundMachine]: ...

    async def decodes(self, machine: Machine, address: str, expected: float | None) -> Decodes: ...


class DashboardsView(Protocol):
    """The plant's dashboards. All block, so they are asked from a worker thread.

    ``node.dashboards.Dashboards`` says more of each.
    """

    def listed(self) -> Sequence[DashboardEntry]: ...

    def found(self, name: str) -> KeptDashboard: ...

    def made(self, tags: Sequence[Tag]) -> Dashboard: ...

    def save(self, name: str, dashboard: Dashboard, version: str) -> str: ...

    def delete(self, name: str, version: str) -> None: ...


class PlantView(Protocol):
    """A running plant, seen from the outside."""

    @property
    def plants(self) -> PlantsView | None:
        """Of a hub."""
        ...

    @property
    def history(self) -> HistoryView: ...

    @property
    def alarms(self) -> AlarmsView: ...

    @property
    def configuring(self) -> ConfigurationView: ...

    @property
    def connecting(self) -> ConnectingView: ...

    @property
    def dashboards(self) -> DashboardsView: ...

    @property
    def templates(self) -> TemplatesView: ...

    @property
    def demo(self) -> DemoView | None: ...

    @property
    def reconciling(self) -> ReconcilingView | None:
        """None where the plant is no hub."""
        ...

    @property
    def messages(self) -> MessagesView | None:
        """None where this is no hub."""
        ...

    @property
    def datasets(self) -> DataSetsView | None:
        """None for who may see some sites only: a data set is of the whole plant."""
        ...

    @property
    def jobs(self) -> JobsView | None:
        """None for who may see some sites only: what a job says may be of any."""
        ...

    @property
    def models(self) -> ModelsView | None:
        """None for who may see some sites only: a model names tags of the whole plant."""
        ...

    @property
    def experiments(self) -> ExperimentsView | None:
        """None for who may see some sites only."""
        ...

    @property
    def deploying(self) -> DeployingView | None:
        """None for who may see some sites only: a model reads tags of the whole plant."""
        ...

    def title(self, language: Language) -> str: ...

    def name_site(self, title_en: str, title_zh: str) -> None:
        """Call the plant so from now on; an empty title leaves what is there. It blocks.

        Raises InputError, StorageError.
        """
        ...

    def status(self) -> PlantStatus:
        """What is, derived from fresh data. Quick: it is asked every two seconds by each page."""
        ...

    def diagnostics(self) -> bytes:
        """A zip for whoever helps, without secrets. Takes a second or two."""
        ...

    def tags(self) -> Sequence[Tag]: ...

    def tags_stamp(self) -> tuple[object, int]:
        """An object and a count that are the same (the object by identity) as long as ``tags``
        gives the same. Quick."""
        ...

    def unread(self, tags: Sequence[Tag]) -> Mapping[str, Text]:
        """Which of these their devices' drivers could not read, and why, by path."""
        ...

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
