"""Who has what of the machine now, and who had what of it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lianji.learn.jobs.job import QUEUED, RUNNING, JobRow, TenantRow
from lianji.learn.jobs.room import Tenant
from lianji.learn.jobs.settings import JobsSettings
from lianji.learn.jobs.store import Used

_DAY_S = 86_400.0


def tenant_rows(
    settings: JobsSettings, jobs: Sequence[JobRow], used: Mapping[str, Used], now_us: int
) -> list[TenantRow]:
    """Of each tenant that is named, has a job, or has used something."""
    named = settings.named
    decayed = {name: one.at(now_us, settings.half_life_d * _DAY_S) for name, one in used.items()}
    whole = sum(decayed.values())
    names = sorted({*named, *used, *(job.tenant for job in jobs if job.is_open)})
    return [
        _row(named.get(name) or Tenant(name), jobs, decayed.get(name, 0.0), whole) for name in names
    ]


def _row(tenant: Tenant, jobs: Sequence[JobRow], used_s: float, whole_s: float) -> TenantRow:
    own = [job for job in jobs if job.tenant == tenant.name]
    runs = [job for job in own if job.state == RUNNING]
    return TenantRow(
        name=tenant.name,
        weight=tenant.weight,
        cpus=sum(job.cpus for job in runs),
        memory_mb=sum(job.memory_mb for job in runs),
        running=len(runs),
        queued=sum(job.state == QUEUED for job in own),
        used_s=used_s,
        share=used_s / whole_s if whole_s else 0.0,
        cpus_max=tenant.cpus_max,
        memory_mb_max=tenant.memory_mb_max,
        running_max=tenant.running_max,
    )
