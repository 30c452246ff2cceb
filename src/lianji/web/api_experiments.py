"""Experiments over HTTP, and the pages that set their runs side by side."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, Field

from lianji.learn.experiments.comparing import MetricRow
from lianji.learn.experiments.metrics import Series, thinned
from lianji.learn.experiments.record import Better, Found, RunRecord, State, Summary, Value
from lianji.web.access.guard import READ
from lianji.web.asked import Lang, Plant
from lianji.web.faults import errors
from lianji.web.page import page_response
from lianji.web.ports_experiments import ExperimentsView
from lianji.web.sites.refusals import whole_plant

router = APIRouter(prefix="/api/experiments", tags=["experiments"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])
POINTS_MAX = 2000


class Listed(BaseModel):
    name: str = Field(description="Of the experiment.")
    runs: int = Field(description="How many there are.")
    running: int = Field(description="Of which a process is at work on now.")
    latest_us: int | None = Field(description="When the newest began.")


class ExperimentList(BaseModel):
    experiments: list[Listed] = Field(description="By name.")


class MetricShort(BaseModel):
    last: float | None = Field(description="Of the highest step; null where it is no number.")
    step: int | None = Field(description="The highest; null for a metric without steps.")
    low: float | None = Field(description="The lowest.")
    high: float | None = Field(description="The highest.")
    count: int = Field(description="How many steps there are.")


class RunFound(BaseModel):
    state: State = Field(description="As it is now; a crashed run is broken off.")
    seconds: float = Field(description="What it has taken so far.")
    metrics: dict[str, MetricShort] = Field(description="Each in short.")
    record: RunRecord = Field(description="What it told of itself.")


class ComparedMetric(BaseModel):
    name: str = Field(description="Of the metric.")
    values: list[float | None] = Field(description="Of each run.")
    better: Better | None = Field(description="Which way is good; null: nobody said.")
    best: list[int] = Field(description="Places of the best runs.")


class ComparedParameter(BaseModel):
    name: str = Field(description="Of the parameter, or data, code, machine, device.")
    values: list[Value] = Field(description="Of each run.")
    differs: bool = Field(description="Whether the runs differ in it.")


class Compared(BaseModel):
    runs: list[RunFound] = Field(description="In the order asked for.")
    parameters: list[ComparedParameter] = Field(description="A value a run.")
    metrics: list[ComparedMetric] = Field(description="A value a run.")


class RunSeries(BaseModel):
    run: str = Field(description="Its name.")
    steps: list[int] = Field(description="Rising.")
    values: list[float | None] = Field(description="Null where it is no number.")


class MetricBySteps(BaseModel):
    metric: str = Field(description="Its name.")
    series: list[RunSeries] = Field(description="Of those runs that have it.")


def _experiments(plant: Plant) -> ExperimentsView:
    if plant.experiments is None:
        raise whole_plant()
    return plant.experiments


View = Annotated[ExperimentsView, Depends(_experiments)]
Runs = Annotated[list[str] | None, Query(description="By default all.")]
Sort = Annotated[str, Query(description="A metric: the best run first.", max_length=200)]
WorstFirst = Annotated[bool, Query(description="The other way round.")]


@router.get("", operation_id="experiments", responses=errors(400, 403))
def listed(view: View) -> ExperimentList:
    """What experiments there are."""
    return ExperimentList(experiments=_listed(view))


@router.get("/{name}", operation_id="experiment", responses=errors(400, 403, 404))
def compared(
    view: View, name: str, runs: Runs = None, sort: Sort = "", worst_first: WorstFirst = False
) -> Compared:
    """Runs of an experiment side by side."""
    found, _ = view.compared(name, runs or [], sort, worst_first)
    rows = [*found.parameters, *found.circumstances]
    return Compared(
        runs=[_run(run) for run in found.runs],
        parameters=[
            ComparedParameter(name=row.name, values=row.values, differs=row.differs) for row in rows
        ],
        metrics=[_metric(row) for row in found.metrics],
    )


@router.get("/{name}/metric", operation_id="experimentMetric", responses=errors(400, 403, 404))
def metric(
    view: View,
    name: str,
    metric: Annotated[str, Query(description="Its name.", max_length=200)],
    runs: Runs = None,
) -> MetricBySteps:
    """A metric by step, of each run; long ones are thinned to what a screen can show."""
    names = runs or [run.run for run in view.compared(name)[0].runs]
    series = view.series(name, metric, names)
    return MetricBySteps(metric=metric, series=[_thinned(run, one) for run, one in series.items()])


@router.get(
    "/{name}/runs/{run}", operation_id="experimentRun", responses=errors(400, 403, 404, 507)
)
def run(view: View, name: str, run: str) -> RunFound:
    """All that a run told of itself."""
    return _run(view.found(name, run))


@router.get(
    "/{name}/runs/{run}/artefact",
    operation_id="experimentArtefact",
    response_class=FileResponse,
    responses=errors(400, 403, 404, 507),
)
def artefact(
    view: View,
    name: str,
    run: str,
    file: Annotated[str, Query(description="Its name.", max_length=1000)],
) -> FileResponse:
    """A file that came of a run."""
    path = view.artefact(name, run, file)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


@page.get("/experiments")
def experiments_page(request: Request, plant: Plant, view: View, language: Lang) -> HTMLResponse:
    return page_response("experiments.html", request, plant, language, experiments=_listed(view))


@page.get("/experiments/{name}")
def experiment_page(
    request: Request,
    plant: Plant,
    view: View,
    language: Lang,
    name: str,
    runs: Runs = None,
    sort: Sort = "",
    worst_first: WorstFirst = False,
) -> HTMLResponse:
    found, damaged = view.compared(name, runs or [], sort, worst_first)
    more = {
        "name": name,
        "found": found,
        "damaged": damaged,
        "sort": sort,
        "worst_first": worst_first,
        "chosen": runs or [],
    }
    return page_response("experiment.html", request, plant, language, **more)


@page.get("/experiments/{name}/{run}")
def run_page(
    request: Request, plant: Plant, view: View, language: Lang, name: str, run: str
) -> HTMLResponse:
    found = view.found(name, run)
    drawn = [key for key, one in found.metrics.items() if one.count > 1]
    return page_response("experiment-run.html", request, plant, language, one=found, drawn=drawn)


def _listed(view: ExperimentsView) -> list[Listed]:
    return [
        Listed(
            name=name,
            runs=len(runs),
            running=sum(one.state == "running" for one in runs),
            latest_us=runs[0].record.began_us if runs else None,
        )
        for name, runs in view.listed().items()
    ]


def _run(found: Found) -> RunFound:
    return RunFound(
        state=found.state,
        seconds=found.seconds,
        metrics={name: _short(one) for name, one in found.metrics.items()},
        record=found.record.model_copy(update={"metrics": {}}),
    )


def _short(one: Summary) -> MetricShort:
    last, low, high = (_finite(value) for value in (one.last, one.low, one.high))
    return MetricShort(last=last, step=one.step, low=low, high=high, count=one.count)


def _metric(row: MetricRow) -> ComparedMetric:
    return ComparedMetric(
        name=row.name, values=row.values, better=row.better, best=sorted(row.best)
    )


def _thinned(run: str, series: Series) -> RunSeries:
    """The lowest and the highest of each stretch stay, and so does where it is no number."""
    kept = thinned(series.values, POINTS_MAX)
    told = [_finite(value) for value in series.values[kept].tolist()]
    return RunSeries(run=run, steps=series.steps[kept].tolist(), values=told)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
