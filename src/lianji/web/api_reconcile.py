"""Comparisons of a hub with its edges over HTTP, and the page that shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from lianji.base.clock import now_us
from lianji.base.errors import NotFound, Text
from lianji.dictionary.moments import parse_moment
from lianji.web.access.guard import CONFIGURE, READ, Who
from lianji.web.asked import TIME, Lang, Plant
from lianji.web.faults import errors
from lianji.web.page import page_response
from lianji.web.ports_hub import ReconcilingView
from lianji.web.status import Fault

if TYPE_CHECKING:
    from lianji.relay.reconcile.comparing import Difference
    from lianji.relay.reconcile.run import Run

router = APIRouter(prefix="/api/hub/reconcile", tags=["hub"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])
PAGE_ROWS = 500


class RunShown(BaseModel):
    """One comparison of one edge. Counts are samples, times microseconds since 1970 UTC."""

    id: int
    edge: str
    by: str
    state: str = Field(description="running, equal, under_way, different or failed.")
    repair: bool
    started_us: int
    ended_us: int | None
    from_us: int
    to_us: int
    share: float = Field(description="How much of the time is done: 0 to 1.")
    tags: int
    rows_here: int = Field(description="What the hub had.")
    rows_there: int = Field(description="What the edge had.")
    to_hub: int = Field(description="What the edge sent again.")
    to_edge: int = Field(description="What the hub gave back.")
    untold: int = Field(description="Differences beyond those that are listed.")
    unreadable: list[str] = Field(description="Files that could not be read, on either side.")
    error: Fault | None

    @classmethod
    def of(cls, run: Run) -> RunShown:
        return cls(**asdict(run) | {"state": run.state.value, "share": run.share})


class DifferenceShown(BaseModel):
    """Hours of one tag that differ in one way."""

    tag: str
    start_us: int
    end_us: int
    here: int = Field(description="Samples at the hub.")
    there: int = Field(description="Samples at the edge.")
    kind: str = Field(description="hub_lacks, edge_lacks or differs (as many, but not the same).")
    outcome: str = Field(description="found, under_way, repaired or left.")
    reason: str = Field(description="The code of why it is left.")

    @classmethod
    def of(cls, one: Difference) -> DifferenceShown:
        return cls(**asdict(one))


class RunFound(BaseModel):
    run: RunShown
    differences: list[DifferenceShown]


class Runs(BaseModel):
    runs: list[RunShown] = Field(description="The last of each edge.")


class Wanted(BaseModel):
    """What to compare."""

    edge: str = Field(min_length=1, max_length=64)
    start: str = Field("", description=f"{TIME} Nothing: as many days as the settings say.")
    end: str = Field("", description="The same; nothing: the last full hour.")
    everything: bool = Field(False, description="From the first sample that either side has.")
    repair: bool = Field(False, description="Mend what differs, from what each side has.")


def _reconciling(plant: Plant) -> ReconcilingView:
    if plant.reconciling is None:
        raise NotFound(
            "hub-missing",
            Text("This plant is no hub.", "本工厂不是中心。"),
            Text("Make it one with `lianji hub init`.", "请用 `lianji hub init` 将其设为中心。"),
        )
    return plant.reconciling


Reconciling = Annotated[ReconcilingView, Depends(_reconciling)]
Limit = Annotated[int, Query(ge=0, le=100_000, description="So many differences at most.")]


@router.get("", operation_id="reconcile_runs", responses=errors(400, 404))
def runs(reconciling: Reconciling) -> Runs:
    """The last comparison of each edge."""
    return Runs(runs=[RunShown.of(run) for run in reconciling.newest()])


@router.post(
    "",
    operation_id="reconcile",
    dependencies=[CONFIGURE],
    responses=errors(400, 403, 404, 409, 507),
)
async def begin(reconciling: Reconciling, who: Who, wanted: Wanted) -> RunShown:
    """Begin to compare an edge with the hub; it goes on by itself."""
    now = now_us()
    run = await reconciling.start(
        wanted.edge,
        parse_moment(wanted.start, now) if wanted.start else None,
        parse_moment(wanted.end, now) if wanted.end else None,
        everything=wanted.everything,
        repair=wanted.repair,
        by=who.name,
    )
    return RunShown.of(run)


@router.get("/{run}", operation_id="reconcile_run", responses=errors(400, 404))
def found(reconciling: Reconciling, run: int, limit: Limit = 100_000) -> RunFound:
    """How far a comparison is, and what it has found."""
    one, differences = reconciling.found(run, limit)
    return RunFound(
        run=RunShown.of(one), differences=[DifferenceShown.of(each) for each in differences]
    )


@page.get("/hub/reconcile")
async def reconcile_page(
    request: Request,
    plant: Plant,
    language: Lang,
    reconciling: Reconciling,
    run: int | None = None,
) -> HTMLResponse:
    """The last run of each edge; of one of them, what differs."""
    newest = await run_in_threadpool(reconciling.newest)
    shown = run if run is not None else next((one.id for one in newest), None)
    more: dict[str, Any] = {"runs": newest, "run": None, "differences": []}
    if shown is not None:
        more["run"], more["differences"] = await run_in_threadpool(
            reconciling.found, shown, PAGE_ROWS
        )
    return page_response("hub-reconcile.html", request, plant, language, **more)
