"""What one edge may bring: by a rate and a day's quota of its own, changed while the hub runs."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from lianji.base.errors import NotFound
from lianji.base.state import State
from lianji.node.enrolment import quotas_of
from lianji.relay.lanes import Lane, Mark
from lianji.relay.limits import Limits, Slower
from lianji.relay.quotas import DAY_US, Quota, Quotas
from lianji.relay.trust import tables
from lianji.relay.wire import pack_body
from lianji.spool.record import encode_tags
from tests.relay.overview.test_plants import edge_of, forget
from tests.relay.overview.world import OpenHub, open_hub
from tests.relay.world import until
from tests.system.plant import lianji_command

DAY = 20_000


@dataclass
class Clock:
    now_us: int = DAY * DAY_US + DAY_US // 2

    def __call__(self) -> int:
        return self.now_us


def test_a_days_worth_is_the_days_and_the_next_begins_at_midnight() -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    limits.become({"a": Quota(bytes_a_day=1000)})
    limits.admit("a")
    limits.took("a", 5, 999)
    limits.admit("a")
    limits.took("a", 5, 700)
    limits.took("b", 5, 10**12)
    with pytest.raises(Slower, match="0 GB a day") as refused:
        limits.admit("a")
    assert 0 < refused.value.retry_after_s <= 30
    assert refused.value.http_status == 429
    assert limits.use("a").slowed
    assert limits.use("a").bytes_today == 1699
    limits.admit("b")
    clock.now_us += DAY_US // 2
    limits.admit("a")
    assert limits.use("a").bytes_today == 0


def test_an_edges_own_rate_counts_before_that_of_all() -> None:
    limits = Limits(rows_a_second=1)
    limits.become({"fast": Quota(samples_per_s=0), "slow": Quota(samples_per_s=0.5)})
    for edge in ("fast", "slow", "other"):
        limits.took(edge, 100)
    limits.admit("fast")
    for edge in ("slow", "other"):
        with pytest.raises(Slower):
            limits.admit(edge)
    assert limits.use("slow").samples_per_s == 0.5
    assert limits.use("other").samples_per_s == 1
    assert limits.use("fast").samples_per_s is None
    limits.become({})
    limits.took("fast", 100)
    with pytest.raises(Slower):
        limits.admit("fast")


def test_what_another_process_counted_today_is_not_counted_anew() -> None:
    limits = Limits(clock=Clock())
    limits.took("a", 1, 10)
    limits.become({"a": Quota(bytes_a_day=500, used_day=DAY, used_bytes=600)})
    with pytest.raises(Slower):
        limits.admit("a")
    limits.become({"a": Quota(bytes_a_day=5000, used_day=DAY - 1, used_bytes=9000)})
    limits.admit("a")
    assert limits.used() == (DAY, {"a": 600})


def known(state: State, *names: str) -> None:
    with state.writing() as connection:
        for name in names:
            values = {"name": name, "sites": "[]", "generation": 1, "serial": "1",
                      "not_after_us": 1, "created_us": 1, "joined_us": 1}  # fmt: skip
            connection.execute(tables.edges.insert().values(**values))


def test_limits_are_kept_with_what_was_used(state: State) -> None:
    quotas = Quotas(state)
    known(state, "a", "b")
    quotas.set("a", 5.0, None)
    quotas.set("a", None, 10**9)
    quotas.set("b", 0, 0)
    assert quotas.all() == {"a": Quota(5.0, 10**9), "b": Quota(0, 0)}
    quotas.note_used(DAY, {"a": 70, "unknown": 5})
    quotas.note_used(DAY, {"a": 60})
    assert quotas.all()["a"] == Quota(5.0, 10**9, DAY, 70)
    quotas.note_used(DAY + 1, {"a": 3})
    assert quotas.all()["a"] == Quota(5.0, 10**9, DAY + 1, 3)
    quotas.clear("a")
    assert quotas.all() == {"b": Quota(0, 0)}
    with pytest.raises(NotFound):
        quotas.set("nobody", 1, None)


def command(hub: OpenHub, *arguments: str) -> str:
    done = lianji_command("hub", *arguments, "--plant", str(hub.folder.root))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def put(hub: OpenHub) -> httpx.Response:
    """A body of no edge that waits: the answer itself."""
    body = pack_body(encode_tags(0, [0], ["park1/x"]))
    lane = Lane("ab" * 16, 1)
    url = f"https://127.0.0.1:{hub.port}/relay/v1/park1/{lane}/1"
    headers = {**body.headers, "lianji-previous": str(Mark(0, 0))}
    with httpx.Client(verify=hub.context("park1")) as client:
        return client.put(url, content=body.content, headers=headers)


def test_a_limit_counts_within_seconds_and_is_lifted_within_seconds(tmp_path: Path) -> None:
    with open_hub(tmp_path / "hub") as hub, ExitStack() as stack:
        hub.admit("park1")
        edge = edge_of(stack, tmp_path, hub, "park1")
        edge.put(10)
        edge.start()
        edge.wait()
        plants = hub.plant.plants
        assert plants is not None
        assert plants.row("park1").bytes_today > 0
        command(hub, "limit", "park1", "--rate", "50", "--gb-a-day", "0.0000001")
        until(lambda: hub.door.use("park1").bytes_a_day == 100, "the limit to be minded", 20)
        refused = put(hub)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert "GB a day" in refused.json()["cause"]["en"]
        forget(hub)
        row = plants.row("park1")
        assert (row.samples_per_s_max, row.bytes_a_day_max) == (50, 100)
        assert "limited" in row.troubles
        [listed] = json.loads(command(hub, "sites", "--json"))
        assert (listed["rate"], listed["gb_a_day"]) == (50, 1e-7)
        with quotas_of(hub.folder) as quotas:
            before = quotas.all()["park1"]
            assert before.bytes_a_day == 100
            quotas.clear("park1")
        until(lambda: hub.door.use("park1").bytes_a_day is None, "the limit to be lifted", 20)
        edge.put(10)
        edge.wait()
