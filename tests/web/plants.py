"""A hub's plants in memory, on the other side of ``PlantsView``: rows as the relay makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lianji.base.clock import now_us
from lianji.base.errors import LinkDown, NotFound, Text
from lianji.relay import overview
from lianji.relay.overview import Now
from lianji.relay.plant_row import PlantRow
from lianji.relay.remembered import Line
from lianji.relay.trust.invites import Invite
from lianji.relay.trust.peer import EdgeRow

S = 1_000_000
DAY = 86_400 * S


class MemoryPlants:
    """So many plants that are well, and a few that are not."""

    name = "north"
    version = "1.0"

    def __init__(self, well: int = 6) -> None:
        self.started_us = now_us() - DAY
        self.edges: dict[str, tuple[EdgeRow, Line]] = {}
        self.invites: dict[str, Invite] = {}
        self.aside = {"parted-x.1": b"body"}
        for number in range(well):
            self.add(f"park{number:04}")
        self.add("mill", heard_s=4000)
        self.add("brewery", {"spool": {"hours_left": 2.5}, "relay": relay(7300, 41_000)})
        self.add("dairy", {"relay": relay(0, 0, parted=True)})
        self.add("press-shop", {"devices": [device("imm1", "fault"), device("imm2", "running")]})
        self.add("depot", revoked_us=now_us() - DAY)
        self.invites["quarry"] = Invite("quarry", ("quarry",), now_us() + 600 * S)

    def add(
        self, name: str, report: dict[str, Any] | None = None, heard_s: float = 4, **more: Any
    ) -> None:
        now = now_us()
        given: dict[str, Any] = {"joined_us": now - 9 * DAY, "revoked_us": None} | more
        row = EdgeRow(name, (name, "园区一"), 1, 1, now + 20 * DAY, 0, **given)
        line = Line(now - int(heard_s * S), WELL | (report or {}), now - int(heard_s * S))
        if name == "brewery":
            gap = {"reason": "disk cap: dropped", "rows": 5200, "start_us": now - 9000 * S,
                   "end_us": now - 7200 * S}  # fmt: skip
            line.gaps, line.gap_rows, line.last_gaps = 1, 5200, [gap]
        self.edges[name] = row, line

    def rows(self, sees: Callable[[str], bool] | None = None) -> list[PlantRow]:
        now = Now(now_us(), self.started_us, self.version)
        found = [
            overview.row_of(edge, line, now, 1.4 if edge.name == "brewery" else 0.0,
                            len(self.aside) if edge.name == "dairy" else 0)
            for edge, line in self.edges.values()
        ]  # fmt: skip
        found += [overview.invited_row(one) for one in self.invites.values()]
        return overview.seen_by(overview.in_order(found), sees)

    def row(self, name: str, sees: Callable[[str], bool] | None = None) -> PlantRow:
        for row in self.rows(sees):
            if row.name == name:
                return row
        raise NotFound("edge-missing", Text("No such.", "没有。"), Text("Look.", "请查看。"))

    def detail(self, name: str) -> dict[str, Any]:
        line = self.edges[name][1] if name in self.edges else Line()
        there = [{"what": what, "bytes": len(body), "since_us": now_us()}
                 for what, body in self.aside.items() if name == "dairy"]  # fmt: skip
        return {
            "devices": overview.devices_of(line.report),
            "problems": [],
            "gaps": line.last_gaps,
            "gaps_at_edge": [],
            "refused": {},
            "aside": there,
            "error": None,
        }

    def set_aside(self, name: str, what: str) -> bytes:
        return self.aside[what]

    def invite(self, name: str, sites: Sequence[str], by: str) -> str:
        self.invites[name] = Invite(name, tuple(sites) or (name,), now_us() + 900 * S)
        return f"lianji join https://hub.example.com:8461 {name}.token --hub {'ae' * 32}"

    def revoke(self, name: str, by: str) -> None:
        row, line = self.edges[name]
        gone = EdgeRow(row.name, row.sites, 1, 1, row.not_after_us, 0, row.joined_us, now_us())
        self.edges[name] = gone, line

    def delete_site(self, site: str, by: str) -> dict[str, Any]:
        return {"site": site, "by": by}


def relay(live_lag: int, backlog: int, parted: bool = False) -> dict[str, Any]:
    return {"live_lag": live_lag, "backlog": backlog, "lanes": 2, "parted": parted, "error": None}


def device(name: str, state: str) -> dict[str, Any]:
    if state != "fault":
        return {"name": name, "state": state, "text": {"en": "running", "zh": "运行"}}
    why = LinkDown(
        "link-refused",
        Text("192.168.1.40:502 gave no answer.", "192.168.1.40:502 无应答。"),
        Text("See that it is on.", "请检查是否通电。"),
    )
    told = {"name": name, "state": state, "text": {"en": "no connection", "zh": "无连接"}}
    return told | {"error": why.as_json()}


WELL: dict[str, Any] = {
    "relay": relay(1, 0),
    "spool": {"hours_left": 412.0},
    "devices": [device("press", "running"), device("oven", "running")],
    "disk": {"free_bytes": 41 << 30},
    "versions": {"lianji": "1.0"},
    "samples_per_s": 1240.0,
}
