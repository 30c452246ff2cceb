"""The part ``[jobs]`` of lianji.toml: what jobs may use of this machine, and who shares it."""

from __future__ import annotations

import os
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from lianji.learn.jobs.room import Machine, Tenant

DEFAULT_TENANT = "plant"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""Of a tenant or a device's label."""
Label = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]


class TenantSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Label
    """What jobs say to belong to it."""
    weight: float = Field(1.0, gt=0, le=1000)
    """Its part of the machine against that of the others, where all want more than there is."""
    cpus: float | None = Field(None, gt=0, le=4096)
    """Its jobs never use more cores together; nothing: no limit but the machine's."""
    memory_mb: int | None = Field(None, gt=0)
    """The same of memory."""
    running: int | None = Field(None, gt=0, le=1000)
    """So many of its jobs run at once at most."""


class JobsSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cpus: float | None = Field(None, gt=0, le=4096)
    """Jobs use so many cores together; nothing: all but one."""
    memory_mb: int | None = Field(None, ge=16)
    """Jobs use so much memory together; nothing: half of what there is."""
    devices: dict[Label, int] = Field(default_factory=dict)
    """How many devices of which label there are besides the CPU, such as ``{cuda = 1}``."""
    grace_s: float = Field(30.0, gt=0, le=3600)
    """A job that is to give way has so long to save its state; then it is killed."""
    nice: int = Field(10, ge=0, le=19)
    """How far jobs stand back behind the plant and all else on this machine, as for nice(1)."""
    half_life_d: float = Field(7.0, gt=0, le=365)
    """What a tenant used counts half after so many days."""
    aging_h: float = Field(24.0, gt=0, le=8760)
    """A job that waits rises by one priority in so many hours."""
    keep_d: float = Field(90.0, gt=0, le=3650)
    """Jobs that ended so many days ago go, with their folders."""
    ray: str = ""
    """A Ray cluster that jobs run on: ``auto``, ``host:port`` or ``ray://host:port``; nothing: this
    machine. ``cpus``, ``memory_mb`` and ``devices`` are then those of the cluster."""
    tenants: list[TenantSettings] = Field(default_factory=list)
    """Nothing: there is one, ``plant``, without a limit."""

    @field_validator("tenants")
    @classmethod
    def _each_by_its_name(cls, tenants: list[TenantSettings]) -> list[TenantSettings]:
        names = [one.name for one in tenants]
        if len(set(names)) < len(names):
            raise ValueError("two tenants have the same name")
        return tenants

    @property
    def machine(self) -> Machine:
        cpus = self.cpus or max(1, (os.cpu_count() or 1) - 1)
        return Machine(cpus, self.memory_mb or max(16, _memory_mb() // 2), self.devices)

    @property
    def named(self) -> dict[str, Tenant]:
        """The tenants that there are, by name; what they have used is not in it."""
        if not self.tenants:
            return {DEFAULT_TENANT: Tenant(DEFAULT_TENANT)}
        return {
            one.name: Tenant(one.name, one.weight, one.cpus, one.memory_mb, one.running)
            for one in self.tenants
        }


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
