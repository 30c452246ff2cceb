"""Data sets over HTTP, and the pages that show what is wrong with them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from lianji.learn.datasets.manifest import Manifest
from lianji.learn.datasets.report.finding import Report
from lianji.web.access.guard import READ
from lianji.web.asked import Lang, Plant
from lianji.web.faults import errors
from lianji.web.page import page_response
from lianji.web.ports_datasets import DataSetsView
from lianji.web.sites.refusals import whole_plant

router = APIRouter(prefix="/api/datasets", tags=["datasets"], dependencies=[READ])
page = APIRouter(include_in_schema=False, dependencies=[READ])


class DataSets(BaseModel):
    datasets: list[Manifest] = Field(description="The newest version of each.")


class DataSetFound(BaseModel):
    manifest: Manifest = Field(description="What was frozen, of what, and its hashes.")
    report: Report = Field(description="Figures of each column, and what was found wrong.")
    versions: list[int] = Field(description="Those that there are.")


def _datasets(plant: Plant) -> DataSetsView:
    if plant.datasets is None:
        raise whole_plant()
    return plant.datasets


Sets = Annotated[DataSetsView, Depends(_datasets)]
Version = Annotated[int | None, Query(ge=1, description="By default the newest.")]


@router.get("", operation_id="datasets", responses=errors(400, 403))
def listed(sets: Sets) -> DataSets:
    """The newest version of each data set."""
    return DataSets(datasets=sets.listed())


@router.get("/{name}", operation_id="dataset", responses=errors(400, 403, 404, 507))
def found(sets: Sets, name: str, version: Version = None) -> DataSetFound:
    """A version of a data set with its report."""
    manifest, report, versions = sets.found(name, version)
    return DataSetFound(manifest=manifest, report=report, versions=versions)


@page.get("/datasets")
def datasets_page(request: Request, plant: Plant, sets: Sets, language: Lang) -> HTMLResponse:
    return page_response("datasets.html", request, plant, language, datasets=sets.listed())


@page.get("/datasets/{name}")
def dataset_page(
    request: Request,
    plant: Plant,
    sets: Sets,
    language: Lang,
    name: str,
    version: Version = None,
) -> HTMLResponse:
    manifest, report, versions = sets.found(name, version)
    more = {"set": manifest, "report": report, "versions": versions}
    return page_response("dataset.html", request, plant, language, **more)
