"""The plant's machines and files, changed while it runs; their versions, undo and restore.

Every route here changes the plant or speaks to machines, so each needs the right to configure;
reading versions and forms needs it too, since differences tell how a plant is built.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lianji.base.errors import InputError, Text
from lianji.connect.forms import Form
from lianji.web.access.access import Access
from lianji.web.access.guard import CONFIGURE, Kept, Who
from lianji.web.asked import Plant
from lianji.web.faults import errors
from lianji.web.machines import (
    Decodes,
    FoundMachine,
    FoundTag,
    Machine,
    MachineSummary,
    Trial,
)
from lianji.web.ports import PlantView, VersionView
from lianji.web.status import Fault

router = APIRouter(prefix="/api", tags=["configuration"], dependencies=[CONFIGURE])


class VersionRow(BaseModel):
    """One configuration and how it came about."""

    id: str
    time_us: int
    author: str
    note: str
    how: str = Field(description="start, change, hand, undo, restore or rollback.")
    files: list[str] = Field(description="What it changed.")
    state: Literal["current", "kept", "on_trial", "rolled_back"]
    rolled_back: Fault | None = Field(None, description="Why it was taken back by itself.")


class VersionDetail(VersionRow):
    difference: str


class Machines(BaseModel):
    version: str = Field(description="The version that this is; give it back as ``base``.")
    site: str
    machines: list[MachineSummary]


class MachineDetail(BaseModel):
    version: str
    machine: Machine


class Save(BaseModel):
    """A machine to be, and how it is saved."""

    model_config = ConfigDict(extra="forbid")

    machine: Machine
    base: str | None = Field(None, max_length=20, description="The version it was made from.")
    new: bool = Field(False, description="True refuses a name that is taken.")
    note: str = Field("", max_length=400)
    force: bool = Field(False, description="Keep it, whatever the machine does afterwards.")


class Checked(BaseModel):
    problems: list[Fault]
    difference: str


class Browse(BaseModel):
    model_config = ConfigDict(extra="forbid")
    machine: Machine
    start: str = Field("", max_length=1024)


class Decode(BaseModel):
    model_config = ConfigDict(extra="forbid")
    machine: Machine
    address: str = Field(max_length=64)
    expected: float | None = Field(None, description="What the machine's own display shows.")


class Scan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    hosts: str = Field(max_length=64, description="192.168.1.10, 192.168.1.10-60, 192.168.1.0/24")
    ports: list[Annotated[int, Field(ge=1, le=65_535)]] = Field([], max_length=4)
    consent: bool = Field(False, description="That it is allowed to knock at these addresses.")


class Force(BaseModel):
    model_config = ConfigDict(extra="forbid")
    force: bool = False


# -- machines ----------------------------------------------------------------------------------


@router.get("/protocols", operation_id="protocols", responses=errors(400))
def protocols(plant: Plant) -> list[Form]:
    """What can be connected, and what each protocol asks."""
    return list(plant.connecting.forms())


@router.get("/machines", operation_id="machines", responses=errors(400))
def machines(plant: Plant) -> Machines:
    """The devices of the plant."""
    version = plant.configuring.current().id
    site = plant.connecting.prefix("").rstrip("/")
    return Machines(version=version, site=site, machines=list(plant.connecting.machines()))


@router.get("/machines/{name}", operation_id="machine", responses=errors(400, 404))
def machine(plant: Plant, name: str) -> MachineDetail:
    """One device with its tags."""
    version = plant.configuring.current().id
    return MachineDetail(version=version, machine=plant.connecting.machine(name))


@router.post("/machines/check", operation_id="check_machine", responses=errors(400))
def check(plant: Plant, asked: Save) -> Checked:
    """What saving would change, and what is wrong with it."""
    change = _change(plant, asked)
    return Checked(
        problems=[Fault.of(problem) for problem in plant.configuring.check(change)],
        difference=plant.configuring.difference_of(change),
    )


@router.post("/machines", operation_id="save_machine", responses=errors(400, 403, 409, 507))
def save(plant: Plant, who: Who, access: Kept, asked: Save) -> VersionRow:
    """Write the files of a machine and start reading it."""
    note = asked.note or f"{asked.machine.name}"
    change = _change(plant, asked)
    made = plant.configuring.apply(change, who.name, note, asked.base, asked.force)
    return _noted(access, who.name, _row(plant, made))


@router.delete(
    "/machines/{name}", operation_id="delete_machine", responses=errors(400, 403, 404, 409, 507)
)
def delete(
    plant: Plant,
    who: Who,
    access: Kept,
    name: str,
    base: Annotated[str | None, Query(max_length=20)] = None,
) -> VersionRow:
    """Remove a machine and its tags. What was recorded of it stays."""
    change = plant.connecting.removal_of(name)
    made = plant.configuring.apply(change, who.name, f"{name}: -", base or None)
    return _noted(access, who.name, _row(plant, made))


@router.post("/machines/test", operation_id="test_machine", responses=errors(400, 403, 503))
async def test(plant: Plant, asked: Machine) -> Trial:
    """Read every tag of a machine once; nothing is stored."""
    return await plant.connecting.trial(asked)


@router.post("/machines/browse", operation_id="browse_machine", responses=errors(400, 403, 503))
async def browse(plant: Plant, asked: Browse) -> list[FoundTag]:
    """What a machine offers, as rows for its tags."""
    return await plant.connecting.browse(asked.machine, asked.start)


@router.post("/machines/decode", operation_id="decode_registers", responses=errors(400, 403, 503))
async def decode(plant: Plant, asked: Decode) -> Decodes:
    """Every way to read the registers at an address, the likely ones first."""
    return await plant.connecting.decodes(asked.machine, asked.address, asked.expected)


@router.post("/machines/scan", operation_id="scan", responses=errors(400, 403, 503))
async def scan(plant: Plant, asked: Scan) -> list[FoundMachine]:
    """Who listens in a range of addresses of the plant's own network."""
    if not asked.consent:
        raise InputError(
            "scan-without-consent",
            Text("Nobody agreed to knock at these addresses.", "尚未同意探测这些地址。"),
            Text(
                "Ask whoever runs the network, then tick the consent.",
                "请先征得网络管理员同意，再勾选同意。",
            ),
        )
    return list(await plant.connecting.scan(asked.hosts, asked.ports))


# -- versions ----------------------------------------------------------------------------------


@router.get("/configuration/versions", operation_id="versions", responses=errors(400))
def versions(plant: Plant) -> list[VersionRow]:
    """The configurations that are kept, newest first."""
    return [_row(plant, version) for version in plant.configuring.versions()]


@router.get(
    "/configuration/versions/{identity}", operation_id="version", responses=errors(400, 404)
)
def version(plant: Plant, identity: str) -> VersionDetail:
    """One of them, with its difference."""
    row = _row(plant, plant.configuring.version(identity))
    return VersionDetail(**row.model_dump(), difference=plant.configuring.difference(identity))


_CHANGING = errors(400, 403, 404, 409, 507)


@router.post(
    "/configuration/versions/{identity}/undo", operation_id="undo_version", responses=_CHANGING
)
def undo(plant: Plant, who: Who, access: Kept, identity: str, asked: Force) -> VersionRow:
    """Take back what this version changed."""
    made = plant.configuring.undo(who.name, identity, asked.force)
    return _noted(access, who.name, _row(plant, made))


@router.post(
    "/configuration/versions/{identity}/restore",
    operation_id="restore_version",
    responses=_CHANGING,
)
def restore(plant: Plant, who: Who, access: Kept, identity: str, asked: Force) -> VersionRow:
    """Make the whole plant what it was at this version."""
    made = plant.configuring.restore(identity, who.name, asked.force)
    return _noted(access, who.name, _row(plant, made))


@router.post(
    "/configuration/versions/{identity}/keep", operation_id="keep_version", responses=_CHANGING
)
def keep(plant: Plant, identity: str) -> VersionRow:
    """Keep a version that is on trial, whatever its machines do."""
    found = plant.configuring.version(identity)
    plant.configuring.keep(identity)
    return _row(plant, found)


def changed_row(plant: PlantView, access: Access, who: str, version: VersionView) -> VersionRow:
    """A version that somebody just made, as it is told; it is in the audit log too."""
    return _noted(access, who, _row(plant, version))


def _noted(access: Access, who: str, version: VersionRow) -> VersionRow:
    """The change is in the audit log too."""
    detail = {"version": version.id, "note": version.note, "files": version.files}
    access.record(who, "configuration-changed", detail)
    return version


def _change(plant: PlantView, asked: Save) -> dict[str, bytes | None]:
    name = asked.machine.name
    if asked.new and any(one.name == name for one in plant.connecting.machines()):
        raise InputError(
            "device-exists",
            Text(f"There is a device '{name}' already.", f"已有名为“{name}”的设备。"),
            Text("Take another name, or edit that device.", "请换一个名称，或编辑该设备。"),
        )
    return dict(plant.connecting.change_for(asked.machine))


def _row(plant: PlantView, version: VersionView) -> VersionRow:
    state: Literal["current", "kept", "on_trial", "rolled_back"] = "kept"
    if version.rolled_back is not None:
        state = "rolled_back"
    elif version.id in plant.configuring.on_trial():
        state = "on_trial"
    elif version.id == plant.configuring.current().id:
        state = "current"
    return VersionRow(
        id=version.id,
        time_us=version.time_us,
        author=version.author,
        note=version.note,
        how=version.how,
        files=list(version.paths),
        state=state,
        rolled_back=version.rolled_back,
    )
