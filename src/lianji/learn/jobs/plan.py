"""Which jobs start and which give way: one pure function of what there is at a moment.

Between tenants the one with the least decayed dominant share for its weight comes first (dominant
resource fairness, Ghodsi et al., NSDI 2011; the decay as in Slurm's multifactor priority). A tenant
bids with the highest priority that it has in the queue, which rises while the tenant gets nothing;
which of its jobs takes the place is decided by priority and by how long each has waited. So nobody
starves: not a tenant, and not a job behind others of its tenant.

A job that lacks room takes the place of running ones of a lower level, the newest first. The level
of a running job is what it started with, so that one which had to wait long is not pushed aside by
the next that comes. One that has waited ``patience_s`` for room lets nobody start behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lianji.learn.jobs.room import Machine, Need, Room, Tenant


@dataclass(frozen=True, slots=True)
class Planned:
    """A job as the plan sees it. Times are microseconds since 1970."""

    need: Need
    priority: int
    since_us: int
    """When it came into the queue, or started."""
    waited_us: int = 0
    """In the queue before ``since_us``, in all."""
    level: int | None = None
    """What it was started with; None while it is queued."""
    stopping: bool = False
    """It was told to end and has not ended yet."""

    @property
    def id(self) -> str:
        return self.need.id


@dataclass(frozen=True, slots=True)
class Start:
    id: str
    level: int


@dataclass(frozen=True, slots=True)
class Preempt:
    id: str


@dataclass(frozen=True, slots=True)
class Rules:
    aging_s: float = 86_400.0
    """A job, or a tenant that gets nothing, rises by one priority in so long."""
    patience_s: float = 600.0
    """So long others may start in front of a job that finds no room."""
    horizon_s: float = 60.0
    """What runs counts as used for so long already: tenants take turns, not bursts."""


def plan(
    jobs: Sequence[Planned],
    tenants: Mapping[str, Tenant],
    machine: Machine,
    now_us: int,
    rules: Rules = Rules(),
) -> list[Start | Preempt]:
    """What to do now, in this order. What is preempted holds its place until it has ended."""
    return _Planning(jobs, tenants, machine, now_us, rules).done()


class _Queue:
    """The queued jobs of one tenant, the one whose turn it is first."""

    def __init__(self, tenant: Tenant, jobs: list[Planned], now_us: int, rules: Rules) -> None:
        self.tenant, self._now_us, self._aging_us = tenant, now_us, rules.aging_s * 1e6
        self.served_us = max(tenant.served_us, min(job.since_us for job in jobs))
        self._jobs = sorted(jobs, key=lambda job: (self.level(job), -job.since_us, job.id))
        self._highest = list(_running_maximum(self._jobs))

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def level(self, job: Planned) -> int:
        """Its priority and what it has gained by waiting."""
        return job.priority + int(waited_us(job, self._now_us) / self._aging_us)

    @property
    def bid(self) -> int:
        waits_us = max(0, self._now_us - self.served_us)
        return self._highest[len(self._jobs) - 1] + int(waits_us / self._aging_us)

    def pop(self) -> Planned:
        return self._jobs.pop()


def waited_us(job: Planned, now_us: int) -> int:
    return job.waited_us + max(0, now_us - job.since_us)


def _running_maximum(jobs: Sequence[Planned]) -> Iterator[int]:
    highest: int | None = None
    for job in jobs:
        highest = job.priority if highest is None else max(highest, job.priority)
        yield highest


@dataclass
class _Planning:
    jobs: Sequence[Planned]
    tenants: Mapping[str, Tenant]
    machine: Machine
    now_us: int
    rules: Rules
    found: list[Start | Preempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = Room(self.machine, self.tenants)
        """As it is."""
        self.later = Room(self.machine, self.tenants)
        """As it will be when those that were told to end have ended."""
        self.active: list[Planned] = []
        for job in self.jobs:
            if job.level is not None:
                self.now.take(job.need)
            if job.level is not None and not job.stopping:
                self.later.take(job.need)
                self.active.append(job)

    def done(self) -> list[Start | Preempt]:
        queues = self._queues()
        while queues:
            queue = min(queues, key=lambda one: (-one.bid, self._share(one), one.tenant.name))
            bid = queue.bid
            job = queue.pop()
            if not queue:
                queues.remove(queue)
            if not self._decide(job, queue, bid):
                break
        return self.found

    def _queues(self) -> list[_Queue]:
        by_tenant: dict[str, list[Planned]] = {}
        for job in self.jobs:
            if job.level is None and self.now.could_ever(job.need):
                by_tenant.setdefault(job.need.tenant, []).append(job)
        return [
            _Queue(self.now.tenant(name), jobs, self.now_us, self.rules)
            for name, jobs in by_tenant.items()
        ]

    def _share(self, queue: _Queue) -> float:
        tenant = queue.tenant
        runs = self.later.dominant(tenant.name) * self.rules.horizon_s
        return (tenant.used_s + runs) / tenant.weight

    def _decide(self, job: Planned, queue: _Queue, bid: int) -> bool:
        """Start it, make room for it, or leave it. False: nobody behind it may start."""
        if not self.later.fits(job.need):
            victims = self._victims(job)
            if not victims:
                waits_s = waited_us(job, self.now_us) / 1e6
                return not (self.later.lacks_room(job.need) and waits_s > self.rules.patience_s)
            for victim in victims:
                self.active.remove(victim)
                self.later.give(victim.need)
                self.found.append(Preempt(victim.id))
        elif self.now.fits(job.need):
            self.now.take(job.need)
            self.found.append(Start(job.id, max(bid, queue.level(job))))
            queue.served_us = self.now_us
        self.later.take(job.need)
        return True

    def _victims(self, job: Planned) -> list[Planned]:
        """The fewest that must go so that it fits; none where that does not help."""
        lower = [one for one in self.active if (one.level or 0) < job.priority]
        chosen: list[Planned] = []
        for one in sorted(lower, key=lambda one: (one.level, -one.since_us, one.id)):
            if self.later.fits(job.need):
                break
            if self.later.lacks_room(job.need) or one.need.tenant == job.need.tenant:
                self.later.give(one.need)
                chosen.append(one)
        enough = self.later.fits(job.need)
        for one in reversed(chosen.copy()):
            self.later.take(one.need)
            if enough and self.later.fits(job.need):
                chosen.remove(one)
            elif enough:
                self.later.give(one.need)
        return self._put_back(chosen) if enough else []

    def _put_back(self, chosen: list[Planned]) -> list[Planned]:
        for one in chosen:
            self.later.take(one.need)
        return chosen
