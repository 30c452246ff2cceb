"""The hub's view of edges that really send: figures, a restart, problems, a thousand edges."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from lianji.base.clock import now_us
from lianji.base.errors import NotFound
from lianji.node.reporting import report_of
from lianji.relay.client import HubClient
from lianji.relay.talking import Talking
from lianji.relay.trust import tables
from lianji.spool.record import Gap
from lianji.web.access.access import OpenAccess
from lianji.web.app import create_app
from tests.relay.overview.world import OpenHub, open_hub
from tests.relay.world import Edge, until

S = 1_000_000


def edge_of(stack: ExitStack, folder: Path, hub: OpenHub, name: str) -> Edge:
    edge = Edge(folder / name, hub, name)  # type: ignore[arg-type]  # port and context are there
    stack.callback(edge.close)
    return edge


def talk(stack: ExitStack, hub: OpenHub, name: str, report: dict[str, Any]) -> Talking:
    address = f"https://127.0.0.1:{hub.port}"
    client = HubClient([address], name, lambda: hub.context(name))
    talking = Talking(client, lambda: dict(report), {})
    stack.callback(talking.close)
    stack.callback(hub.loop.call_soon_threadsafe, hub.door.conversation.end)
    talking.start()
    return talking


def forget(hub: OpenHub) -> None:
    """Let the next look be a fresh one."""
    assert hub.plant.plants is not None
    hub.plant.plants._forget()


def test_a_plant_that_sends_and_speaks_is_up_with_its_figures(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub, ExitStack() as stack:
        hub.admit("park1")
        edge = edge_of(stack, tmp_path, hub, "park1")
        status = hub.plant.status()
        report = report_of(status, [Gap("disk cap", 1, 2, 9, 1, 2)]) | {
            "devices": [{"name": "press", "state": "fault"}],
            "relay": {"live_lag": 0, "backlog": 0, "lanes": 1, "parted": False},
        }
        edge.put(10)
        edge.spool.put(Gap("disk cap: dropped", 3, 4, 30, now_us() - S, now_us())).result(5)
        edge.start()
        edge.wait()
        talk(stack, hub, "park1", report)
        plants = hub.plant.plants
        assert plants is not None
        until(lambda: (forget(hub), plants.row("park1"))[1].state == "up", "the plant is up")
        row = plants.row("park1")
        assert (row.gaps, row.gap_rows, row.devices, row.devices_ill) == (1, 30, 1, 1)
        assert set(row.troubles) >= {"devices", "gaps"}
        assert row.newest_us is not None
        assert not row.other_version
        detail = plants.detail("park1")
        assert detail["gaps"][0]["reason"] == "disk cap: dropped"
        assert detail["gaps_at_edge"][0]["rows"] == 9
        with pytest.raises(NotFound, match="edge-missing"):
            plants.row("park2")
        with pytest.raises(NotFound, match="edge-missing"):
            plants.row("park1", "park2".__eq__)


def test_a_hub_that_started_again_knows_since_when_a_plant_is_silent(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        hub.admit("park1")
        with ExitStack() as stack:
            talk(stack, hub, "park1", {"samples_per_s": 5.0})
            until(lambda: "park1" in hub.door.conversation.heard, "it spoke")
        heard_us = hub.door.conversation.heard["park1"].at_us
    with open_hub(tmp_path / "hub") as hub:
        plants = hub.plant.plants
        assert plants is not None
        row = plants.row("park1")
        assert (row.state, row.heard_us, row.samples_per_s) == ("up", heard_us, 5.0)
        assert hub.plant._problems() == []
        plants._started_us = now_us() - 400 * S
        plants._before["park1"].heard_us = heard_us - 3600 * S
        with hub.plant.state.writing() as connection:
            connection.execute(tables.edges.update().values(joined_us=0))
        forget(hub)
        assert plants.row("park1").state == "silent"
        [problem] = hub.plant._problems()
        assert problem.code == "plant-silent"
        assert "park1" in problem.cause.zh


def test_another_history_is_told_with_what_was_set_aside(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        hub.admit("park1")
        hub.door.receiving.received.setdefault("park1", _parted(now_us()))
        hub.door.aside.keep("park1", "parted-x.1", b"body")
        plants = hub.plant.plants
        assert plants is not None
        assert plants.row("park1").troubles == ["parted", "aside"]
        assert plants.set_aside("park1", "parted-x.1") == b"body"
        for wrong in ("../park1/parted-x.1", "other"):
            with pytest.raises(NotFound, match="aside-missing"):
                plants.set_aside("park1", wrong)
        assert [problem.code for problem in hub.plant._problems()] == ["plant-parted"]


def _parted(time_us: int) -> Any:
    from lianji.relay.receiving import Received

    return Received(parted=1, parted_us=time_us)


async def test_a_thousand_plants_are_listed_in_under_a_tenth_of_a_second(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub:
        _thousand(hub)
        app = create_app(hub.plant, OpenAccess())
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            took = []
            for _ in range(5):
                forget(hub)
                began = time.perf_counter()
                answer = await client.get("/api/hub/plants")
                took.append(time.perf_counter() - began)
            listed = answer.json()
            assert [len(listed["plants"]), listed["hub"]] == [1000, "north"]
            assert listed["plants"][0]["name"] == "edge0500"
            assert min(took) < 0.1, took
            page = await client.get("/hub")
            assert page.status_code == 200
            assert 'href="/hub" aria-current="page"' in page.text
            missing = await client.get("/api/hub/plants/nobody")
            assert missing.json()["code"] == "edge-missing"


def _thousand(hub: OpenHub) -> None:
    from lianji.relay.exchange import Heard

    now = now_us()
    rows = [
        {
            "name": f"edge{number:04}",
            "sites": f'["site{number}"]',
            "generation": 1,
            "serial": "1",
            "not_after_us": now + 20 * 86_400 * S,
            "created_us": 0,
            "joined_us": now,
        }
        for number in range(1000)
    ]
    with hub.plant.state.writing() as connection:
        connection.execute(tables.edges.insert(), rows)
    report = report_of(hub.plant.status()) | {
        "devices": [{"name": f"device{n}", "state": "running"} for n in range(20)],
        "relay": {"live_lag": 0, "backlog": 0, "lanes": 1, "parted": False},
    }
    for row in rows:
        hub.door.conversation.heard[str(row["name"])] = Heard(now, report)
    ill = report | {"relay": {"parted": True}}
    hub.door.conversation.heard["edge0500"] = Heard(now, ill)
