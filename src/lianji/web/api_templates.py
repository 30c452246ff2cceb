"""Device templates over HTTP: which there are, who uses them, and the change to another version.

A look (``dry_run``) and the saving are the same request. A saved change is on trial: machines that
gave good values and give none afterwards take it back, as with any change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lianji.web.access.guard import CONFIGURE, Kept, Who
from lianji.web.api_configuration import Checked, VersionRow, changed_row
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.ports import PlantView
from lianji.web.status import Fault
from lianji.web.template_view import TemplatedMachine, TemplateVersion, Value

router = APIRouter(prefix="/api/templates", tags=["configuration"], dependencies=[CONFIGURE])
_CHANGING = errors(400, 403, 404, 409, 507)


class TemplatesShown(BaseModel):
    version: str = Field(description="The version that this is; give it back as ``base``.")
    templates: list[TemplateVersion]


class Saving(BaseModel):
    """How a change is saved."""

    model_config = ConfigDict(extra="forbid")

    base: str | None = Field(None, max_length=20)
    force: bool = Field(False, description="Keep it, whatever the machines do afterwards.")


class Use(Saving):
    template: str = Field(max_length=128, description="Such as press@3.")
    machines: list[Annotated[str, Field(max_length=128)]] = Field(min_length=1, max_length=10_000)


class Parameters(Saving):
    parameters: dict[str, Value]


@router.get("", operation_id="templates", responses=errors(400, 403))
def templates(plant: Plant) -> TemplatesShown:
    """Every version of every template, with the machines that use it."""
    version = plant.configuring.current().id
    return TemplatesShown(version=version, templates=list(plant.templates.listed()))


@router.get("/difference", operation_id="template_difference", responses=errors(400, 403, 404))
def difference(
    plant: Plant,
    old: Annotated[str, Query(max_length=128)],
    new: Annotated[str, Query(max_length=128)],
) -> Checked:
    """What two versions say differently."""
    return Checked(problems=[], difference=plant.templates.difference(old, new))


@router.get("/machines/{name}", operation_id="templated_machine", responses=errors(400, 403, 404))
def machine(plant: Plant, name: str) -> TemplatedMachine:
    """A machine's parameters, and which of its fields come from the template."""
    return plant.templates.machine(name)


@router.post("/use/check", operation_id="check_template_use", responses=_CHANGING)
def check_use(plant: Plant, asked: Use) -> Checked:
    """What another version for these machines would change, and what is wrong with it."""
    return _checked(plant, plant.templates.change_for(asked.machines, asked.template))


@router.post("/use", operation_id="use_template", responses=_CHANGING)
def use(plant: Plant, who: Who, access: Kept, asked: Use) -> VersionRow:
    """Let these machines use another version, on trial."""
    change = plant.templates.change_for(asked.machines, asked.template)
    note = f"{asked.template}: {', '.join(asked.machines)}"[:400]
    made = plant.configuring.apply(change, who.name, note, asked.base, asked.force)
    return changed_row(plant, access, who.name, made)


@router.post(
    "/machines/{name}/check", operation_id="check_template_parameters", responses=_CHANGING
)
def check_parameters(plant: Plant, name: str, asked: Parameters) -> Checked:
    """What other parameters of a machine would change."""
    return _checked(plant, plant.templates.parameters_for(name, asked.parameters))


@router.post("/machines/{name}", operation_id="set_template_parameters", responses=_CHANGING)
def set_parameters(
    plant: Plant, who: Who, access: Kept, name: str, asked: Parameters
) -> VersionRow:
    """Give a machine other parameters, on trial."""
    change = plant.templates.parameters_for(name, asked.parameters)
    made = plant.configuring.apply(change, who.name, name, asked.base, asked.force)
    return changed_row(plant, access, who.name, made)


def _checked(plant: PlantView, change: Mapping[str, bytes | None]) -> Checked:
    return Checked(
        problems=[Fault.of(problem) for problem in plant.configuring.check(change)],
        difference=plant.configuring.difference_of(change),
    )
