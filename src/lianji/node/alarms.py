"""The alarm room of a plant, wired: its tables, its history, its state, its ways out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lianji.act.alarms.kept import Keeper
from lianji.act.alarms.newest import Samples
from lianji.act.alarms.room import AlarmRoom, Plan
from lianji.act.alarms.tables import AlarmTables
from lianji.dictionary.tag import Tag
from lianji.node.settings import Settings

if TYPE_CHECKING:
    from lianji.act.alarms.notify.channel import Channel


def alarm_plan(
    tables: AlarmTables,
    tags: Mapping[str, Tag],
    stored: Sequence[str],
    heard: Callable[[str], bool],
) -> Plan:
    """``stored``: the paths that ever had a sample, which only grows."""
    # without a row nothing looks for its tags, so a hundred thousand need not be listed
    paths = _Paths(stored, list(tags)) if tables.rows else tuple
    return Plan(tables.rows, paths, heard, tags)


def open_alarms(plan: Plan, history: Samples, keeper: Keeper) -> AlarmRoom:
    """Raises StorageError if the state cannot be read."""
    return AlarmRoom(plan, history, keeper)


class _Paths:
    """All paths of the plant, made anew only when there are new ones."""

    def __init__(self, stored: Sequence[str], tabled: Sequence[str]) -> None:
        self._stored, self._tabled = stored, tabled
        self._count = -1
        self._all: list[str] = []

    def __call__(self) -> Sequence[str]:
        if len(self._stored) != self._count:
            self._count = len(self._stored)
            self._all = list(dict.fromkeys([*self._stored, *self._tabled]))
        return self._all


def ways_out(room: AlarmRoom, settings: Settings) -> list[Channel]:
    """A channel for each ``[[notify]]``; none of them has begun yet."""
    if not settings.notify:
        return []
    from lianji.act.alarms.notify.channel import Channel  # mail and webhooks, for who has one

    site = settings.site
    title = site.title_zh or site.title_en or site.name
    zone = ZoneInfo(site.time_zone)
    return [Channel(one, room, room.store, title, zone) for one in settings.notify]
