"""A machine in simulated time that does what the plan says, and checks each moment of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lianji.learn.jobs.plan import Planned, Preempt, Rules, Start, plan
from lianji.learn.jobs.room import CPU, Machine, Need, Tenant


@dataclass
class Work:
    """A job that needs ``left_s`` of running. It ends ``grace_s`` after it was told to."""

    need: Need
    left_s: float
    priority: int = 0
    comes_s: float = 0.0
    grace_s: float = 1.0
    since_s: float = 0.0
    waited_s: float = 0.0
    level: int | None = None
    gives_way_s: float | None = None
    preempted: int = 0
    ended_s: float | None = None

    @property
    def planned(self) -> Planned:
        us = (int(self.since_s * 1e6), int(self.waited_s * 1e6))
        return Planned(self.need, self.priority, *us, self.level, self.gives_way_s is not None)


@dataclass
class World:
    machine: Machine
    tenants: Mapping[str, Tenant]
    rules: Rules = field(default_factory=Rules)
    half_life_s: float = 7 * 86_400
    now_s: float = 0.0
    jobs: list[Work] = field(default_factory=list)
    used_s: dict[str, float] = field(default_factory=dict)
    """Never decayed."""

    def add(self, *jobs: Work) -> None:
        for job in jobs:
            job.since_s = max(job.comes_s, self.now_s)
        self.jobs += jobs

    @property
    def open(self) -> list[Work]:
        return [job for job in self.jobs if job.ended_s is None]

    @property
    def here(self) -> list[Work]:
        return [job for job in self.open if job.comes_s <= self.now_s]

    @property
    def running(self) -> list[Work]:
        return [job for job in self.here if job.level is not None]

    def step(self, step_s: float = 1.0) -> None:
        self._plan()
        self._check()
        self.now_s += step_s
        decay = 0.5 ** (step_s / self.half_life_s)
        self.tenants = {
            name: replace(one, used_s=one.used_s * decay) for name, one in self.tenants.items()
        }
        for job in self.running:
            self._run(job, step_s)

    def _run(self, job: Work, step_s: float) -> None:
        name, share = job.need.tenant, self.machine.dominant(job.need.cpus, job.need.memory_mb)
        self.used_s[name] = self.used_s.get(name, 0.0) + share * step_s
        one = self.tenants[name]
        self.tenants = {**self.tenants, name: replace(one, used_s=one.used_s + share * step_s)}
        job.left_s -= step_s
        if job.left_s <= 0:
            job.ended_s, job.level = self.now_s, None
        elif job.gives_way_s is not None and self.now_s >= job.gives_way_s:
            job.level = job.gives_way_s = None
            job.since_s = self.now_s

    def _plan(self) -> None:
        by_id = {job.need.id: job for job in self.here}
        jobs = [job.planned for job in by_id.values()]
        for deed in plan(jobs, self.tenants, self.machine, int(self.now_s * 1e6), self.rules):
            job = by_id[deed.id]
            if isinstance(deed, Preempt):
                assert job.level is not None and job.gives_way_s is None
                job.gives_way_s = self.now_s + job.grace_s
                job.preempted += 1
            else:
                self._start(job, deed)

    def _start(self, job: Work, deed: Start) -> None:
        assert job.level is None
        job.level = deed.level
        job.waited_s += self.now_s - job.since_s
        job.since_s = self.now_s
        name = job.need.tenant
        served = replace(self.tenants[name], served_us=int(self.now_s * 1e6))
        self.tenants = {**self.tenants, name: served}

    def _check(self) -> None:
        """Never more than there is, and no tenant more than it may."""
        assert _sums_within(self.running, self.machine.cpus, self.machine.memory_mb, None)
        for label in {job.need.device for job in self.running} - {CPU}:
            taken = sum(job.need.device == label for job in self.running)
            assert taken <= self.machine.devices.get(label, 0)
        for name, tenant in self.tenants.items():
            own = [job for job in self.running if job.need.tenant == name]
            most = (tenant.cpus_max, tenant.memory_mb_max, tenant.running_max)
            assert _sums_within(own, *most), f"{name} has more than it may"

    def until_done(self, steps_max: int) -> None:
        for _ in range(steps_max):
            if not self.open:
                return
            self.step()
        left = [(job.need, job.priority, job.left_s) for job in self.open]
        raise AssertionError(f"after {steps_max} steps there are left: {left}")


def _sums_within(
    jobs: Sequence[Work], cpus: float | None, memory_mb: int | None, count: int | None
) -> bool:
    return (
        (cpus is None or sum(job.need.cpus for job in jobs) <= cpus + 1e-6)
        and (memory_mb is None or sum(job.need.memory_mb for job in jobs) <= memory_mb)
        and (count is None or len(jobs) <= count)
    )
