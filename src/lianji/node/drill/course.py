"""The course of a drill: load, kill, promote, come back, follow, fail back, look at everything."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lianji.base.clock import now_us
from lianji.base.errors import InputError, LianjiError, Text
from lianji.node import pairing
from lianji.node.drill.checks import Check, SiteSum, check_edge, check_sites, count_of, sites_of
from lianji.node.drill.copies import copy_of_hub, is_hub
from lianji.node.drill.edges import STEP_US, SimulatedEdge
from lianji.node.drill.hubs import DrilledHub, free_ports
from lianji.node.enrolment import edges_of
from lianji.node.folder import PlantFolder
from lianji.node.pairing import Group
from lianji.relay.lanes import Lane
from lianji.relay.standing import Role
from lianji.relay.wire import GENERATION, GENERATION_PROOF, PREVIOUS, pack_body

RTO_GOAL_S = 60.0
WAIT_S_MAX = 120.0
STANDBY = "drill-standby"
Say = Callable[[Text], None]


@dataclass(frozen=True, slots=True)
class Plan:
    edges: int = 3
    rate: int = 200
    """Samples a second of each edge."""
    load_s: float = 3.0
    """So long in each part."""


@dataclass(slots=True)
class Found:
    """What a drill measured. Seconds and samples."""

    started_us: int = 0
    rto_first_s: float = 0.0
    """From the kill to the first yes of the promoted hub."""
    rto_all_s: float = 0.0
    """To the last edge's first."""
    behind_samples: int = 0
    """What the standby lacked when the first hub was killed, and edges offered again."""
    behind_s: float = 0.0
    rpo_samples: int = 0
    """What was acknowledged and is lost."""
    rpo_s: float = 0.0
    fenced_s: float = 0.0
    """From its coming back until the first hub was fenced."""
    failback_s: float = 0.0
    sent_samples: int = 0
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def drill(
    first: PlantFolder, standby: PlantFolder | None, work: Path, plan: Plan, say: Say
) -> Found:
    """Run it in ``work``, an empty folder. The hubs themselves are only read.

    ``standby`` is the second hub's folder, if it is on this machine; else one is made from a copy
    of the first. Raises InputError if these are no hubs of one group, StorageError, OSError.
    """
    if not is_hub(first) or (standby is not None and not is_hub(standby)):
        raise _no_hub()
    with ExitStack() as stack:
        return _Course(first, standby, work, plan, say, stack).run()


class _Course:
    def __init__(
        self,
        first: PlantFolder,
        standby: PlantFolder | None,
        work: Path,
        plan: Plan,
        say: Say,
        stack: ExitStack,
    ) -> None:
        self._plan, self._say, self._stack = plan, say, stack
        self._work, self._found = work, Found(now_us())
        ports = free_ports(2)
        say(Text("Copying the hubs ...", "正在复制中心……"))
        source = standby or first  # which must not be ahead of the first: it is copied before
        self._b = DrilledHub(copy_of_hub(source, work / "b", ports[1]), ports[1])
        self._a = DrilledHub(copy_of_hub(first, work / "a", ports[0]), ports[0])
        self._paired = standby is not None
        self._edges: list[SimulatedEdge] = []
        self._before: dict[str, SiteSum] = {}
        self._killed_s = 0.0

    def run(self) -> Found:
        self._stack.callback(self._b.stop)
        self._stack.callback(self._a.stop)
        self._before = sites_of(self._a.folder)
        self._pair()
        self._enrol()
        self._a.start()
        self._join()
        self._b.start()
        for step in (self._load, self._kill, self._promote, self._load, self._come_back,
                     self._follow, self._fail_back, self._look):  # fmt: skip
            step()
        self._found.sent_samples = sum(edge.sent for edge in self._edges)
        return self._found

    # -- before ------------------------------------------------------------------------------

    def _pair(self) -> None:
        """Both know each other by the addresses of the copies."""
        a, b = self._a.folder, self._b.folder
        a.hub.joinpath("standing.json").unlink(missing_ok=True)
        group, there = Group.of(a), Group.of(b)
        if self._paired:
            if group is None or there is None or there.me not in group.hubs:
                raise _not_paired()
            name = there.me
        else:
            name = STANDBY
        line = pairing.pair(a, name, f"127.0.0.1:{self._b.port}", sync=False, by="drill")
        self._line = line
        if line is None:
            pairing.pair(b, group.me if group else "", f"127.0.0.1:{self._a.port}", False, "drill")
            self._b.standing.begin(Role.STANDBY, self._a.standing.now.generation)

    def _enrol(self) -> None:
        hubs = [self._a.address, self._b.address]
        start_us = now_us() - 3_600_000_000
        with edges_of(self._a.folder) as edges:
            for number in range(1, self._plan.edges + 1):
                name = f"drill-{number}"
                edge = SimulatedEdge(
                    self._work / name, name, hubs, edges, start_us, self._plan.rate
                )
                self._stack.callback(edge.close)
                self._edges.append(edge)

    def _join(self) -> None:
        if self._line is not None:
            shutil.rmtree(self._b.folder.relay, ignore_errors=True)
            pairing.join_group(self._b.folder, self._line)

    # -- the course --------------------------------------------------------------------------

    def _load(self) -> None:
        self._say(Text(f"Load for {self._plan.load_s:g} s ...", "加载数据……"))
        for edge in self._edges:
            if not edge.sent:
                edge.start()
        time.sleep(self._plan.load_s)
        self._until(lambda: all(edge.yes_s for edge in self._edges), "load-taken")

    def _kill(self) -> None:
        """While it is loaded, and the standby as far behind as it is then."""
        self._until_all(self._b, "standby")
        self._say(Text("Killing the first hub ...", "正在强制终止主中心……"))
        self._acknowledged = {edge.name: edge.uplink.position for edge in self._edges}
        self._a.kill()
        self._killed_s = time.monotonic()

    def _promote(self) -> None:
        self._say(Text("Promoting the second hub ...", "备用中心正在接管……"))
        had = {edge.name: count_of(self._b.folder, edge) for edge in self._edges}
        self._b.standing.promote()
        self._until(lambda: all(self._yes_of(edge) for edge in self._edges), "failed-over")
        since = [self._yes_of(edge) - self._killed_s for edge in self._edges]
        self._found.rto_first_s, self._found.rto_all_s = min(since), max(since)
        goal = self._found.rto_all_s < RTO_GOAL_S
        self._note("rto", goal, f"all edges had a yes {max(since):.1f} s after the kill")
        behind = [self._rows_of(edge) - had[edge.name] for edge in self._edges]
        self._found.behind_samples = sum(max(0, lag) for lag in behind)
        self._found.behind_s = max(0, *behind) / self._plan.rate

    def _yes_of(self, edge: SimulatedEdge) -> float:
        """When the second hub first said yes to this edge; 0 if it has not."""
        taken = [at for at, hub in list(edge.yes_s)
                 if hub == self._b.address and at > self._killed_s]  # fmt: skip
        return taken[0] if taken else 0.0

    def _rows_of(self, edge: SimulatedEdge) -> int:
        """How many samples the first hub had said yes to."""
        records = edge.spool.records(1, self._acknowledged[edge.name], 1 << 40)
        return sum(record.rows for record in records)

    def _come_back(self) -> None:
        """As if nothing had happened; and somebody writes late."""
        self._say(Text("The first hub comes back ...", "原主中心恢复运行……"))
        self._a.start()
        began_s = time.monotonic()
        answer = self._write_late(self._edges[0])
        code = answer.json().get("code", "")
        what = f"a late write at the first hub was answered {answer.status_code} {code}"
        self._note("late", (answer.status_code, code) == (409, "hub-fenced"), what)
        self._until(lambda: self._a.standing.role is Role.FENCED, "fenced")
        self._found.fenced_s = time.monotonic() - began_s
        problems = [one["code"] for one in self._a.status()["problems"]]
        self._note("told", "hub-fenced" in problems, f"the first hub's page tells: {problems}")

    def _write_late(self, edge: SimulatedEdge) -> httpx.Response:
        """A record that the second hub has, offered to the first by who has seen the second."""
        record = edge.spool.record(edge.spool.durable)
        assert record is not None
        body, seen = pack_body([record.raw]), edge.seen.told()
        lane = Lane(edge.spool.epoch, record.sequence)
        headers = {
            **body.headers,
            PREVIOUS: "0:0",
            GENERATION: str(seen.number),
            GENERATION_PROOF: seen.proof,
        }
        url = f"{self._a.address}/relay/v1/{edge.name}/{lane}/{record.sequence}"
        with httpx.Client(verify=edge.identity.client_context(), trust_env=False) as client:
            return client.put(url, content=body.content, headers=headers)

    def _follow(self) -> None:
        self._say(Text("The first hub follows the second ...", "原主中心转为备用……"))
        self._a.standing.follow()
        self._until_all(self._a, "followed")

    def _fail_back(self) -> None:
        self._say(Text("Failing back ...", "正在切回……"))
        began_s = time.monotonic()
        promoted = self._a.standing.promote()
        self._until(
            lambda: all(e.seen.told().number == promoted.generation for e in self._edges), "back"
        )
        self._until(lambda: self._b.standing.role is Role.FENCED, "fenced")
        self._found.failback_s = time.monotonic() - began_s
        self._b.standing.follow()
        time.sleep(self._plan.load_s)
        for edge in self._edges:
            edge.rest()
        for hub in (self._a, self._b):
            self._until_all(hub, f"all-at-{hub.folder.root.name}")

    def _until_all(self, hub: DrilledHub, what: str) -> None:
        """Wait until a hub has what the edges have sent up to now."""
        sent = {edge.name: edge.sent for edge in self._edges}

        def has_all() -> bool:
            with suppress(LianjiError):
                return all(count_of(hub.folder, e) >= sent[e.name] for e in self._edges)
            return False

        self._until(has_all, what)

    # -- afterwards --------------------------------------------------------------------------

    def _look(self) -> None:
        self._say(Text("Checking ranges, counts and aggregates ...", "正在核对范围、数量与聚合……"))
        self._a.stop()
        self._b.stop()
        mine = [edge.name for edge in self._edges]
        for name, hub in (("first", self._a), ("second", self._b)):
            for edge in self._edges:
                self._found.checks += check_edge(name, hub.folder, edge)
        first, second = (sites_of(hub.folder, mine) for hub in (self._a, self._b))
        self._found.checks += check_sites(self._before, first, second)
        lost = [edge.sent - count_of(self._b.folder, edge) for edge in self._edges]
        self._found.rpo_samples = sum(max(0, one) for one in lost)
        self._found.rpo_s = max(0, *lost) * STEP_US / 1e6

    def _note(self, name: str, passed: bool, what: str) -> None:
        self._found.checks.append(Check(name, passed, what))

    def _until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for what the processes bring about. Raises InputError after ``WAIT_S_MAX``."""
        deadline_s = time.monotonic() + WAIT_S_MAX
        while not condition():
            if time.monotonic() > deadline_s:
                raise _stuck(what)
            time.sleep(0.05)


def _no_hub() -> InputError:
    return InputError(
        "drill-no-hub",
        Text("There is no hub in that folder.", "该文件夹中没有中心。"),
        Text("Name the folder of a hub.", "请指定中心的文件夹。"),
    )


def _not_paired() -> InputError:
    return InputError(
        "drill-not-paired",
        Text("These two hubs are not of one group.", "这两个中心未配对。"),
        Text("Pair them with `lianji hub pair`.", "请用 `lianji hub pair` 配对。"),
    )


def _stuck(what: str) -> InputError:
    return InputError(
        "drill-stuck",
        Text(
            f"The drill waited {WAIT_S_MAX:.0f} s for {what!r}, and it did not come.",
            f"演练等待 {what!r} 超过 {WAIT_S_MAX:.0f} 秒。",
        ),
        Text(
            "Run it again with --keep, and read the copies' logs.",
            "请加 --keep 重新演练，并查看副本的日志。",
        ),
    )


__all__ = ["Found", "Plan", "drill"]
