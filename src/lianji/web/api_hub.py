"""A hub's plants over HTTP: how each is; administrators invite, shut out, and delete a site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from lianji.base.clock import now_us
from lianji.base.errors import InputError, NotFound, Text
from lianji.relay.plant_row import PlantRow
from lianji.web.access.guard import ADMINISTER, READ, Who
from lianji.web.access.roles import Identity
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.ports_hub import PlantsView

router = APIRouter(prefix="/api/hub", tags=["hub"], dependencies=[READ])


class Listed(BaseModel):
    hub: str
    version: str = Field(description="Of the hub's Lianji.")
    now_us: int
    plants: list[PlantRow] = Field(description="Those with troubles first.")


class Detail(BaseModel):
    """One plant. What an edge reports comes as it was sent."""

    now_us: int
    hub_version: str
    plant: PlantRow
    devices: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    gaps: list[dict[str, Any]] = Field(description="The newest first.")
    gaps_at_edge: list[dict[str, Any]]
    refused: dict[str, str] = Field(description="Tag paths that were not taken, and why.")
    aside: list[dict[str, Any]]
    error: dict[str, Any] | None = Field(None, description="Why its relay does not get through.")


class ToInvite(BaseModel):
    sites: list[str] = Field(
        default_factory=list, max_length=100, description="By default its own."
    )


class Invited(BaseModel):
    line: str = Field(description="To be pasted at the plant, within 15 minutes.")


class Revoked(BaseModel):
    name: str


class ToDelete(BaseModel):
    confirm: str = Field(description="The site once more.")


def _plants(plant: Plant) -> PlantsView:
    if plant.plants is None:
        raise NotFound(
            "hub-none",
            Text("This plant is no hub.", "本工厂不是中心。"),
            Text(
                "Make it one with `lianji hub init DIR`.", "请用 `lianji hub init DIR` 设为中心。"
            ),
        )
    return plant.plants


Plants = Annotated[PlantsView, Depends(_plants)]


def sees(who: Identity) -> Callable[[str], bool] | None:
    """Which sites somebody may see; None for all."""
    return who.sites.sees if who.sites.limited else None


@router.get("/plants", operation_id="hub_plants", response_model=Listed, responses=errors(400, 404))
def plants(plants: Plants, who: Who) -> Response:
    """Every plant that sends to this hub, those with troubles first."""
    listed = Listed(
        hub=plants.name, version=plants.version, now_us=now_us(), plants=plants.rows(sees(who))
    )
    return Response(listed.model_dump_json(), media_type="application/json")


@router.get("/plants/{name}", operation_id="hub_plant", responses=errors(400, 404))
def plant(plants: Plants, who: Who, name: str) -> Detail:
    """One plant: its row, its devices as last reported, its gaps, what was set aside."""
    row = plants.row(name, sees(who))
    detail = plants.detail(name)
    return Detail(now_us=now_us(), hub_version=plants.version, plant=row, **detail)


@router.get(
    "/plants/{name}/aside/{what}",
    operation_id="hub_set_aside",
    response_class=Response,
    dependencies=[ADMINISTER],
    responses={200: {"content": {"application/octet-stream": {}}}, **errors(400, 404)},
)
def set_aside(plants: Plants, name: str, what: str) -> Response:
    """A body that was set aside, as it came."""
    content = plants.set_aside(name, what)
    named = {"Content-Disposition": f'attachment; filename="{name}-{what}"'}
    return Response(content, media_type="application/octet-stream", headers=named)


@router.post(
    "/plants/{name}/invite",
    operation_id="hub_invite",
    dependencies=[ADMINISTER],
    responses=errors(400, 404),
)
def invite(plants: Plants, who: Who, name: str, wanted: ToInvite) -> Invited:
    """The line with which a plant joins. It ends earlier invitations of this name."""
    return Invited(line=plants.invite(name, wanted.sites, who.name))


@router.post(
    "/plants/{name}/revoke",
    operation_id="hub_revoke",
    dependencies=[ADMINISTER],
    responses=errors(400, 404),
)
def revoke(plants: Plants, who: Who, name: str) -> Revoked:
    """Shut a plant out, within seconds."""
    plants.revoke(name, who.name)
    return Revoked(name=name)


@router.post(
    "/sites/{site}/delete",
    operation_id="hub_delete_site",
    dependencies=[ADMINISTER],
    responses=errors(400, 404, 503, 507),
)
def delete_site(plants: Plants, who: Who, site: str, asked: ToDelete) -> dict[str, Any]:
    """Remove all samples, notes and alarms of a site for good; the signed report of it."""
    if asked.confirm != site:
        raise InputError(
            "deletion-unconfirmed",
            Text("The site was not named a second time.", "未再次填写站点名称。"),
            Text("Write its name into `confirm`.", "请在 `confirm` 中填写其名称。"),
        )
    return plants.delete_site(site, who.name)
