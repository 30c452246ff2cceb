"""The dashboards of some sites: those that show tags of these sites and of no other.

The front page's is made from the tags that may be seen, unless somebody saved one that shows no
others. What is shown to all is changed by those who see all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lianji.base.errors import InputError
from lianji.dictionary.tag import Tag
from lianji.web.access.sites import Sites
from lianji.web.dashboard import (
    OVERVIEW,
    Dashboard,
    DashboardEntry,
    KeptDashboard,
    title_of,
    unknown_dashboard,
)
from lianji.web.ports import DashboardsView
from lianji.web.sites.refusals import outside, whole_plant


class SiteDashboards:
    """A DashboardsView over the plant's own."""

    def __init__(
        self, whole: DashboardsView, sites: Sites, tags: Callable[[], Sequence[Tag]]
    ) -> None:
        self._whole = whole
        self._sites = sites
        self._tags = tags

    def listed(self) -> Sequence[DashboardEntry]:
        return [entry for one in self._whole.listed() if (entry := self._entry(one)) is not None]

    def _entry(self, entry: DashboardEntry) -> DashboardEntry | None:
        if entry.name == OVERVIEW:
            kept = self.found(OVERVIEW)
            title = title_of(OVERVIEW, kept.dashboard)
            return DashboardEntry(
                name=OVERVIEW, title_en=title.en, title_zh=title.zh, made=kept.made
            )
        return entry if self._visible(entry.name) is not None else None

    def found(self, name: str) -> KeptDashboard:
        kept = self._visible(name)
        if kept is not None:
            return kept
        if name != OVERVIEW:
            raise unknown_dashboard(name)
        made = self.made(self._tags())
        return KeptDashboard(name=OVERVIEW, version="", made=True, dashboard=made)

    def made(self, tags: Sequence[Tag]) -> Dashboard:
        return self._whole.made(tags)

    def _visible(self, name: str) -> KeptDashboard | None:
        """Raises InputError for what is no name, NotFound for one that is not there."""
        try:
            kept = self._whole.found(name)
        except InputError as error:
            if error.code == "dashboard-invalid":
                return None  # its words may be anybody's
            raise
        tags = _tags_of(kept.dashboard)
        return kept if tags and not kept.made and all(map(self._sites.sees, tags)) else None

    def save(self, name: str, dashboard: Dashboard, version: str) -> str:
        self._check_own(name, version)
        tags = _tags_of(dashboard)
        if not tags:
            raise whole_plant()  # text that would be for everybody
        for tag in tags:
            if not self._sites.sees(tag):
                raise outside(tag)
        return self._whole.save(name, dashboard, version)

    def delete(self, name: str, version: str) -> None:
        self._check_own(name, version or "any")
        self._whole.delete(name, version)

    def _check_own(self, name: str, version: str) -> None:
        if name == OVERVIEW:
            raise whole_plant()
        if version:
            self.found(name)


def _tags_of(dashboard: Dashboard) -> list[str]:
    return [tag for tile in dashboard.tiles for tag in tile.tags]
