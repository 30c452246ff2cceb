"""The plant behind ``PlantView`` for somebody who may see some of its sites only.

Every route takes the plant from one place (``web.asked.Plant``), so this is the one place where
what somebody may see is decided. It hands on what it knows to be of these sites and refuses all
else; what is added to ``PlantView`` is missing here, which the type checker says, until somebody
has thought about it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import Language, Text
from lianji.dictionary.expression import parse
from lianji.dictionary.tag import Tag
from lianji.web.access.sites import Sites
from lianji.web.demo_view import DemoView
from lianji.web.ports import (
    AlarmsView,
    ConfigurationView,
    ConnectingView,
    DashboardsView,
    HistoryView,
    PlantView,
)
from lianji.web.ports_datasets import DataSetsView
from lianji.web.ports_deploying import DeployingView
from lianji.web.ports_experiments import ExperimentsView
from lianji.web.ports_hub import MessagesView, PlantsView, ReconcilingView
from lianji.web.ports_jobs import JobsView
from lianji.web.ports_models import ModelsView
from lianji.web.sites.alarms import SiteAlarms
from lianji.web.sites.dashboards import SiteDashboards
from lianji.web.sites.refusals import outside, whole_plant
from lianji.web.status import PlantStatus
from lianji.web.template_view import TemplatesView

KEPT_MAX = 100


@dataclass(frozen=True, slots=True)
class Own:
    """Of one stamp of the plant's tags: those that are seen, and devices that have no others."""

    stamp: tuple[object, int]
    tags: Sequence[Tag] = ()
    devices: Set[str] = frozenset()


class SitePlant:
    """A PlantView over the whole one. Safe for many threads."""

    def __init__(self, whole: PlantView, sites: Sites) -> None:
        self._whole = whole
        self._sites = sites
        self._history = (whole.history, whole.history.within(sites.sees))
        self._own = Own((None, -1))

    @property
    def history(self) -> HistoryView:
        whole, limited = self._history
        if whole is not self._whole.history:
            whole = self._whole.history
            limited = whole.within(self._sites.sees)
            self._history = (whole, limited)
        return limited

    @property
    def alarms(self) -> AlarmsView:
        return SiteAlarms(self._whole.alarms, self._sites)

    @property
    def configuring(self) -> ConfigurationView:
        raise whole_plant()

    @property
    def connecting(self) -> ConnectingView:
        raise whole_plant()

    @property
    def plants(self) -> PlantsView | None:
        """Its rows are cut by ``web.api_hub.sees``; a limited user may change nothing of it."""
        return self._whole.plants

    @property
    def messages(self) -> MessagesView | None:
        """None: what was told to plants of other sites is nothing for who may see some only."""
        return None

    @property
    def reconciling(self) -> ReconcilingView | None:
        """Comparisons name tags of all sites, so there are none for who may see some only."""
        return None

    @property
    def datasets(self) -> DataSetsView | None:
        """None: a data set holds tags of all sites, in files that are not cut by site."""
        return None

    @property
    def jobs(self) -> JobsView | None:
        """None: a job works with the whole plant, and its log may say anything."""
        return None

    @property
    def models(self) -> ModelsView | None:
        """None: cards name tags of all sites, and golden rows hold values of them."""
        return None

    @property
    def experiments(self) -> ExperimentsView | None:
        """None: what was learned of the tags of all sites is about the whole plant."""
        return None

    @property
    def deploying(self) -> DeployingView | None:
        """None: a model reads tags of all sites, and shows their values."""
        return None

    @property
    def dashboards(self) -> DashboardsView:
        return SiteDashboards(self._whole.dashboards, self._sites, self.tags)

    @property
    def templates(self) -> TemplatesView:
        raise whole_plant()

    @property
    def demo(self) -> DemoView | None:
        return None

    def title(self, language: Language) -> str:
        return self._whole.title(language)

    def name_site(self, title_en: str, title_zh: str) -> None:
        raise whole_plant()

    def status(self) -> PlantStatus:
        """Devices all of whose tags may be seen; of the rest numbers alone, and no words."""
        status, own = self._whole.status(), self._known().devices
        return status.model_copy(
            update={
                "devices": [one for one in status.devices if one.name in own],
                "problems": [],
                "history": status.history.model_copy(update={"error": None}),
            }
        )

    def diagnostics(self) -> bytes:
        raise whole_plant()

    def tags(self) -> Sequence[Tag]:
        return self._known().tags

    def _known(self) -> Own:
        stamp, own = self._whole.tags_stamp(), self._own
        if own.stamp[0] is not stamp[0] or own.stamp[1] != stamp[1]:
            every = self._whole.tags()
            tags = [self._shown(tag) for tag in every if self._sites.sees(tag.path)]
            foreign = {tag.device for tag in every if not self._sites.sees(tag.path)}
            own = self._own = Own(stamp, tags, {tag.device for tag in tags} - foreign)
        return own

    def _shown(self, tag: Tag) -> Tag:
        """Without an expression that names tags of other sites."""
        if not tag.expression or all(map(self._sites.sees, parse(tag.expression).tags)):
            return tag
        return replace(tag, expression="")

    def tags_stamp(self) -> tuple[object, int]:
        return self._whole.tags_stamp()

    def unread(self, tags: Sequence[Tag]) -> Mapping[str, Text]:
        return self._whole.unread([tag for tag in tags if self._sites.sees(tag.path)])

    def heard(self, path: str) -> bool:
        return self._sites.sees(path) and self._whole.heard(path)

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
        """All of it, or none where a path is not below one of the sites."""
        for path in paths:
            if not self._sites.sees(path):
                raise outside(path)
        return await self._whole.append(paths, path_index, times_us, values, quality, texts, origin)


class SitePlants:
    """The plant as each kind of reader sees it; one a app."""

    def __init__(self, whole: PlantView) -> None:
        self.whole = whole
        self._kept: OrderedDict[Sites, SitePlant] = OrderedDict()

    def of(self, sites: Sites) -> PlantView:
        if not sites.limited:
            return self.whole
        plant = self._kept.get(sites) or SitePlant(self.whole, sites)
        self._kept[sites] = plant
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return plant
