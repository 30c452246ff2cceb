"""What a machine has and a tenant may use, and what of it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CPU = "cpu"
_LITTLE = 1e-9
"""Parts of a core that floats lose."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a job takes while it runs: cores, megabytes, and one device of a label."""

    id: str
    tenant: str
    cpus: float
    memory_mb: int
    device: str = CPU


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody who shares the machine. None: no limit but the machine's."""

    name: str
    weight: float = 1.0
    cpus_max: float | None = None
    memory_mb_max: int | None = None
    running_max: int | None = None
    used_s: float = 0.0
    """Decayed seconds of the whole machine: its dominant share times how long it had it."""
    served_us: int = 0
    """When a job of it started last."""


@dataclass(frozen=True, slots=True)
class Machine:
    cpus: float
    memory_mb: int
    devices: Mapping[str, int] = field(default_factory=dict)
    """How many of each label; of ``cpu`` there are as many as cores."""

    def dominant(self, cpus: float, memory_mb: float) -> float:
        """The share of the machine of whichever is the larger part, 0 to 1."""
        return max(cpus / self.cpus, memory_mb / self.memory_mb)


@dataclass
class _Taken:
    cpus: float = 0.0
    memory_mb: int = 0
    running: int = 0

    def add(self, need: Need, sign: int) -> None:
        self.cpus += sign * need.cpus
        self.memory_mb += sign * need.memory_mb
        self.running += sign


class Room:
    """What is taken, of the machine and by each tenant."""

    def __init__(self, machine: Machine, tenants: Mapping[str, Tenant]) -> None:
        self.machine = machine
        self._tenants = tenants
        self._all = _Taken()
        self._by: dict[str, _Taken] = {}
        self._devices: dict[str, int] = {}

    def tenant(self, name: str) -> Tenant:
        return self._tenants.get(name) or Tenant(name)

    def take(self, need: Need) -> None:
        self._add(need, 1)

    def give(self, need: Need) -> None:
        self._add(need, -1)

    def _add(self, need: Need, sign: int) -> None:
        self._all.add(need, sign)
        self._by.setdefault(need.tenant, _Taken()).add(need, sign)
        self._devices[need.device] = self._devices.get(need.device, 0) + sign

    def fits(self, need: Need) -> bool:
        return not self.lacks_room(need) and not self.lacks_quota(need)

    def lacks_room(self, need: Need) -> bool:
        """Whether the machine has too little left."""
        machine, taken = self.machine, self._all
        return (
            taken.cpus + need.cpus > machine.cpus + _LITTLE
            or taken.memory_mb + need.memory_mb > machine.memory_mb
            or self.lacks_device(need)
        )

    def lacks_device(self, need: Need) -> bool:
        """Whether all devices of its label are taken."""
        there = self.machine.devices.get(need.device, 0)
        return need.device != CPU and self._devices.get(need.device, 0) >= there

    def lacks_quota(self, need: Need) -> bool:
        """Whether its tenant may have too little more."""
        tenant, taken = self.tenant(need.tenant), self._by.get(need.tenant, _Taken())
        return (
            (tenant.cpus_max is not None and taken.cpus + need.cpus > tenant.cpus_max + _LITTLE)
            or (
                tenant.memory_mb_max is not None
                and taken.memory_mb + need.memory_mb > tenant.memory_mb_max
            )
            or (tenant.running_max is not None and taken.running >= tenant.running_max)
        )

    def could_ever(self, need: Need) -> bool:
        """Whether it fits into the empty machine and its tenant's quota."""
        return Room(self.machine, self._tenants).fits(need)

    def dominant(self, tenant: str) -> float:
        """The share of the machine that a tenant has now, 0 to 1."""
        taken = self._by.get(tenant, _Taken())
        return self.machine.dominant(taken.cpus, taken.memory_mb)
