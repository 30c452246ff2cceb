"""Jobs over HTTP, and the page that shows them live.

From here a training specification can be submitted that lies in the plant's folder, and nothing
else: which code a plant runs is decided by whoever may write its folder.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from lianji.learn.jobs.job import JobRow, TenantRow
from lianji.web.access.guard import CONFIGURE, READ, Kept, Who
from lianji.web.asked import Lang, Plant
from lianji.web.faults import errors
from lianji.web.page import page_response
from lianji.web.ports_jobs import JobsView
from lianji.web.sites.refusals import whole_plant

router = APIRouter(prefix="/api/jobs", tags=["jobs"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])


class JobsShown(BaseModel):
    jobs: list[JobRow] = Field(description="Those that wait and run, then those that ended.")
    tenants: list[TenantRow]
    specs: list[str] = Field(description="Training specifications that can be submitted.")


class LogShown(BaseModel):
    text: str
    end: int = Field(description="Ask with start = this for what comes next.")


class Training(BaseModel):
    """A training to be run."""

    model_config = ConfigDict(extra="forbid")

    spec: str = Field(max_length=100, description="Its name in the plant's folder training.")
    priority: int = Field(0, description="-100 to 100.")
    tenant: str = Field("plant", max_length=100)
    device: str = Field("cpu", max_length=100)
    cpus: float = 1.0
    memory_mb: int = 1024


def _jobs(plant: Plant) -> JobsView:
    if plant.jobs is None:
        raise whole_plant()
    return plant.jobs


Jobs = Annotated[JobsView, Depends(_jobs)]
Start = Annotated[
    int, Query(ge=-1_000_000, description="A position; below 0: so many bytes before the end.")
]


@router.get("", operation_id="jobs", responses=errors(400, 403))
def listed(jobs: Jobs) -> JobsShown:
    """The jobs, live, and what each tenant has and had."""
    return JobsShown(jobs=jobs.listed(), tenants=jobs.tenants(), specs=jobs.specs())


@router.post(
    "",
    operation_id="submit_training",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 404, 503, 507),
)
def submit(jobs: Jobs, who: Who, access: Kept, training: Training) -> JobRow:
    """Put a training into the queue."""
    row = jobs.submit_training(training.spec, training.model_dump(exclude={"spec"}), who.name)
    access.record(who.name, "job-submitted", row.told)
    return row


@router.get("/{id}", operation_id="job", responses=errors(400, 403, 404))
def found(jobs: Jobs, id: str) -> JobRow:
    """One job."""
    return jobs.found(id)


@router.get("/{id}/log", operation_id="job_log", responses=errors(400, 403, 404))
def log(jobs: Jobs, id: str, start: Start = -64_000) -> LogShown:
    """What a job has said, in parts of at most a megabyte."""
    text, end = jobs.log(id, start)
    return LogShown(text=text, end=end)


@router.post(
    "/{id}/stop",
    operation_id="stop_job",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 404, 507),
)
def stop(jobs: Jobs, who: Who, access: Kept, id: str) -> JobRow:
    """End a job. One that runs has its time to save first."""
    row = jobs.stop(id, who.name)
    access.record(who.name, "job-stopped", row.told)
    return row


@page.get("/jobs")
def jobs_page(request: Request, plant: Plant, jobs: Jobs, language: Lang) -> HTMLResponse:
    return page_response("jobs.html", request, plant, language)
