"""A hub's plants, gathered: who may send, what was heard of them, what came of their records.

It answers the page and the command line, and names what is wrong among the hub's own problems.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Busy, InputError, LianjiError, LinkDown, NotFound, Text
from lianji.relay import overview
from lianji.relay.overview import Now, Paces
from lianji.relay.plant_row import PlantRow
from lianji.relay.receiving import Received
from lianji.relay.remembered import Line, Remembered

if TYPE_CHECKING:
    from lianji.node.hub import HubDoor
    from lianji.node.plant import Plant

KEEP_S = 60.0
FRESH_S = 1.0
"""An overview is worked out at most so often, however many look at it."""
PROBLEMS_MAX = 20
PROBLEMS_FRESH_S = 10.0
"""A status is asked for every two seconds by each page, and must be quick."""
log = structlog.get_logger(__name__)


class Plants:
    """Safe for many threads."""

    def __init__(self, plant: Plant, hub: HubDoor, certificate_days: float) -> None:
        """Raises StorageError."""
        self._plant, self._hub, self._days = plant, hub, certificate_days
        self._remembered = Remembered(plant.state)
        self._before = self._remembered.load()
        self._kept_us: dict[str, int] = {}
        self._started_us = now_us()
        self._paces = Paces()
        self._lock = threading.Lock()
        self._rows: tuple[float, list[PlantRow]] = (-math.inf, [])

    @property
    def name(self) -> str:
        return self._hub.authority.name

    @property
    def version(self) -> str:
        return str(self._plant.versions()["lianji"])

    # -- looking -----------------------------------------------------------------------------

    def rows(
        self, sees: Callable[[str], bool] | None = None, fresh_s: float = FRESH_S
    ) -> list[PlantRow]:
        """All that somebody may see, trouble first. At most ``fresh_s`` old."""
        with self._lock:
            worked_out_s, rows = self._rows
            if monotonic_s() - worked_out_s >= fresh_s:
                rows = self._look()
                self._rows = monotonic_s(), rows
        return overview.seen_by(rows, sees)

    def _look(self) -> list[PlantRow]:
        now = Now(now_us(), self._started_us, self.version, self._days)
        aside = Counter(one.edge for one in self._hub.aside.list())
        rows = []
        for edge in self._hub.edges.all():
            line = self.line(edge.name)
            backlog = overview.part_of(line.report, "relay").get("backlog") if line else None
            if line is not None and isinstance(backlog, int):
                self._paces.note(edge.name, line.heard_us, backlog)
            hours = self._paces.hours(edge.name)
            use = self._hub.use(edge.name)
            rows.append(overview.row_of(edge, line, now, hours, aside[edge.name], use))
        known = {row.name for row in rows}
        asked = [one for one in self._hub.edges.invited() if one.edge not in known]
        return overview.in_order([*rows, *map(overview.invited_row, asked)])

    def line(self, edge: str) -> Line | None:
        """What is known of an edge, from this life of the hub and those before."""
        before, now = self._before.get(edge), self._hub.receiving.received.get(edge)
        heard = self._hub.conversation.heard.get(edge)
        if before is None and now is None and heard is None:
            return None
        line = (before or Line()).with_life(now or Received())
        if heard is not None:
            line.heard_us, line.report = heard.at_us, heard.report
        return line

    def row(self, name: str, sees: Callable[[str], bool] | None = None) -> PlantRow:
        """Raises NotFound."""
        for row in self.rows(sees):
            if row.name == name:
                return row
        raise NotFound(
            "edge-missing",
            Text(f"The hub has no edge {name!a}.", f"中心没有边缘 {name!a}。"),
            Text("See `lianji hub sites`.", "请用 `lianji hub sites` 查看。"),
        )

    def detail(self, name: str) -> dict[str, Any]:
        """What the page of one plant shows beside its row."""
        line = self.line(name) or Line()
        told = line.report.get("problems")
        return {
            "devices": overview.devices_of(line.report),
            "problems": told if isinstance(told, list) else [],
            "gaps": line.last_gaps[::-1],
            "gaps_at_edge": overview.part_of(line.report, "gaps").get("last", [])[::-1],
            "refused": dict(list(line.refused.items())[:100]),
            "aside": [
                {"what": one.what, "bytes": one.bytes, "since_us": one.since_us}
                for one in self._hub.aside.list()
                if one.edge == name
            ],
            "error": overview.part_of(line.report, "relay").get("error"),
        }

    def set_aside(self, name: str, what: str) -> bytes:
        """A body that was set aside, as it came. Raises NotFound."""
        for one in self._hub.aside.list():
            if (one.edge, one.what) == (name, what):
                with suppress(FileNotFoundError):
                    return (self._hub.aside.folder / one.edge / one.what).read_bytes()
        raise NotFound(
            "aside-missing",
            Text(
                f"Nothing of {name!a} is set aside as {what!a}.",
                f"{name!a} 没有隔离内容 {what!a}。",
            ),
            Text("Look at its page again.", "请刷新其页面。"),
        )

    # -- doing -------------------------------------------------------------------------------

    def invite(self, name: str, sites: Sequence[str], by: str) -> str:
        """The line to paste at the plant. Raises InputError."""
        from lianji.node import enrolment

        line = str(enrolment.invite(self._plant.folder, name, sites, "", by))
        self._forget()
        return line

    def revoke(self, name: str, by: str) -> None:
        """Raises NotFound."""
        self._hub.edges.revoke(name, by)
        self._forget()

    def delete_site(self, site: str, by: str) -> dict[str, Any]:
        """Remove all that the hub has of a site; the signed report. Raises InputError, Busy,
        StorageError. Takes as long as reading the site's samples."""
        from lianji.node.site_deletion import delete_site

        return delete_site(self._plant, self._hub.authority, self._hub.edges, site, by)

    def _forget(self) -> None:
        with self._lock:
            self._rows = (-math.inf, [])

    # -- telling and keeping -----------------------------------------------------------------

    def problems(self) -> list[LianjiError]:
        """What somebody must see to, for the hub's own list; the first of many."""
        try:
            ill = [row for row in self.rows(fresh_s=PROBLEMS_FRESH_S) if row.severity == 2]
        except LianjiError as error:
            return [error]
        told = [_problem(row) for row in ill[:PROBLEMS_MAX]]
        return [*told, _more(len(ill) - PROBLEMS_MAX)] if len(ill) > PROBLEMS_MAX else told

    async def keep_on(self) -> None:
        """Write once a minute what was heard, until cancelled."""
        try:
            while True:
                await asyncio.sleep(KEEP_S)
                await asyncio.to_thread(self.keep)
        finally:
            self.keep()

    def keep(self) -> None:
        """Write the lines of those that spoke since the last time. A failure is logged: nothing
        but the memory of a last word hangs on it."""
        fresh = {}
        for edge, heard in list(self._hub.conversation.heard.items()):
            line = self.line(edge)
            if line is not None and heard.at_us > self._kept_us.get(edge, 0):
                fresh[edge] = line
        try:
            self._remembered.keep(fresh)
        except LianjiError as error:
            log.warning("plants-not-kept", error=str(error))
            return
        self._kept_us.update({edge: line.heard_us for edge, line in fresh.items()})


_WHY = {
    "parted": Text("another history speaks under its name", "其名下有另一份历史在发送"),
    "silent": Text("it has been silent for more than five minutes", "已静默超过五分钟"),
    "spool": Text("its spool is full in less than four hours", "其缓存将在四小时内写满"),
    "expired": Text("its certificate is over", "其证书已过期"),
    "certificate": Text("its certificate ends soon and was not renewed", "其证书即将到期且未续期"),
}


def _problem(row: PlantRow) -> LianjiError:
    why = [_WHY[trouble] for trouble in row.troubles if trouble in _WHY]
    kind = LinkDown if row.state in ("silent", "expired") else InputError
    return kind(
        f"plant-{row.troubles[0]}",
        Text(
            f"Plant {row.name}: {', and '.join(text.en for text in why)}.",
            f"工厂 {row.name}：{'，'.join(text.zh for text in why)}。",
        ),
        Text(
            f"The page /hub/{row.name} says more, and what to do.",
            f"详情及处理方法见页面 /hub/{row.name}。",
        ),
    )


def _more(count: int) -> LianjiError:
    return Busy(
        "plants-more",
        Text(f"{count} more plants need somebody.", f"另有 {count} 个工厂需要处理。"),
        Text("See the page /hub.", "请查看页面 /hub。"),
    )
