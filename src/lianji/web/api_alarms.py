"""Alarms over HTTP: the list, what people decide about it, the journal and the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from lianji.act.alarms.definition import AlarmDefinition, AlarmKind
from lianji.act.alarms.flood import Fold
from lianji.act.alarms.lines import AlarmLine, folded_lines
from lianji.act.alarms.states import AlarmState, Event
from lianji.base.clock import now_us
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.moments import parse_moment
from lianji.web.access.guard import OPERATE, READ
from lianji.web.access.guard import Who as Identified
from lianji.web.asked import TIME, Plant
from lianji.web.faults import errors
from lianji.web.ports import AlarmsView
from lianji.web.status import Fault, Words

router = APIRouter(prefix="/api/alarms", tags=["alarms"], dependencies=[READ])

ALARMS_MAX = 10_000
JOURNAL_MAX = 1_000


class AlarmShown(BaseModel):
    """One alarm as it stands. Times are microseconds since 1970 UTC."""

    id: str = Field(description="For ever: the tag's path, #, and the name of its row.")
    state: AlarmState
    kind: AlarmKind
    priority: int = Field(description="1 critical, 2 high, 3 medium, 4 low, 5 only written down.")
    group: str
    tag: str
    message: Words
    action: Words
    value: float | None = Field(description="The newest value; of a rate: per minute.")
    unit: str
    active: bool
    unacknowledged: bool
    raised_us: int | None
    returned_us: int | None
    shelved_until_us: int | None
    note: str
    by: str

    @classmethod
    def of(cls, line: AlarmLine) -> AlarmShown:
        return cls(
            message=Words.of(line.message),
            action=Words.of(line.action),
            **{name: getattr(line, name) for name in _PLAIN},
        )


_PLAIN = frozenset(AlarmShown.model_fields) - {"message", "action"}


class FoldShown(BaseModel):
    """A line of the list: one alarm, or a flood of one group."""

    group: str
    flood: bool = Field(description="More than 10 alarms of the group came within 10 s.")
    alarms: list[AlarmShown] = Field(description="The most urgent first.")

    @classmethod
    def of(cls, fold: Fold[AlarmLine]) -> FoldShown:
        alarms = [AlarmShown.of(line) for line in fold.lines]
        return cls(group=fold.group, flood=fold.is_flood, alarms=alarms)


class Listed(BaseModel):
    now_us: int
    total: int = Field(description="How many alarms there are, of which ``lines`` may hold fewer.")
    lines: list[FoldShown]


class Summarised(BaseModel):
    """All alarms in one line."""

    now_us: int
    unacknowledged: int
    active: int
    shelved: int
    suppressed: int
    out_of_service: int
    by_priority: dict[int, int]
    most_urgent: AlarmShown | None
    version: int = Field(description="Grows with every change of any alarm.")
    error: Fault | None = Field(description="Why the alarms are not watched, or not kept.")


class Chosen(BaseModel):
    """Which alarms, and why."""

    alarms: list[Annotated[str, Field(min_length=1, max_length=400)]] = Field(
        min_length=1, max_length=ALARMS_MAX, description="Their ids."
    )
    note: str = Field("", max_length=2_000, description="Goes into the journal.")


class Shelving(Chosen):
    minutes: float = Field(description="So long; a week at most.")


class Changed(BaseModel):
    changed: int = Field(description="How many alarms it changed.")


class JournalLine(BaseModel):
    """What happened to an alarm, when, by whom, at which value."""

    id: int
    time_us: int
    alarm: str
    event: Event
    state: str = Field(description="How the alarm stood afterwards.")
    who: str
    value: float | None
    priority: int
    group_name: str
    message_en: str
    message_zh: str
    note: str


class Journal(BaseModel):
    lines: list[JournalLine]


class DefinitionShown(BaseModel):
    definition: AlarmDefinition
    file: str
    line: int
    alarms: int = Field(description="How many alarms the row makes.")
    problem: Words | None = Field(description="Why it makes none.")


class Definitions(BaseModel):
    definitions: list[DefinitionShown]


def _alarms(plant: Plant) -> AlarmsView:
    return plant.alarms


def _name(who: Identified) -> str:
    return who.name


Alarms = Annotated[AlarmsView, Depends(_alarms)]
Who = Annotated[str, Depends(_name)]
_ACTS: dict[str, Any] = {"dependencies": [OPERATE], "responses": errors(400, 403, 404, 507)}


@router.get("", operation_id="alarms", responses=errors(400))
def listed(
    alarms: Alarms,
    which: Annotated[
        Literal["listed", "aside", "all"],
        Query(description="The list; what was put aside; or all that is not simply normal."),
    ] = "listed",
    fold: Annotated[bool, Query(description="Floods of one group as one line.")] = True,
    limit: Annotated[int, Query(ge=1, le=ALARMS_MAX, description="Alarms at most.")] = 1_000,
) -> Listed:
    """What is wrong now, the most urgent first."""
    if which == "listed":
        found: Sequence[AlarmLine] = alarms.listed()
    else:
        found = alarms.standing_out()
        aside = (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)
        found = [line for line in found if which == "all" or line.state in aside]
    shown = found[:limit]
    folds = folded_lines(shown) if fold else [Fold(line.group, (line,)) for line in shown]
    return Listed(now_us=now_us(), total=len(found), lines=[FoldShown.of(one) for one in folds])


@router.get("/summary", operation_id="alarm_summary", responses=errors(400))
def summary(alarms: Alarms) -> Summarised:
    """How many there are, and the most urgent one."""
    found = alarms.summary()
    urgent = found.most_urgent
    return Summarised(
        now_us=now_us(),
        unacknowledged=found.unacknowledged,
        active=found.active,
        shelved=found.shelved,
        suppressed=found.suppressed,
        out_of_service=found.out_of_service,
        by_priority=found.by_priority,
        most_urgent=AlarmShown.of(urgent) if urgent else None,
        version=alarms.version,
        error=Fault.of(alarms.error) if alarms.error else None,
    )


@router.post("/acknowledge", operation_id="acknowledge_alarms", **_ACTS)
def acknowledge(alarms: Alarms, who: Who, chosen: Chosen) -> Changed:
    """Somebody has seen them. It is on disk when this answers; so are all below."""
    return Changed(changed=alarms.acknowledge(chosen.alarms, who, chosen.note))


@router.post("/shelve", operation_id="shelve_alarms", **_ACTS)
def shelve(alarms: Alarms, who: Who, shelving: Shelving) -> Changed:
    """Off the list for so many minutes; then they are back by themselves."""
    changed = alarms.shelve(shelving.alarms, shelving.minutes, who, shelving.note)
    return Changed(changed=changed)


@router.post("/unshelve", operation_id="unshelve_alarms", **_ACTS)
def unshelve(alarms: Alarms, who: Who, chosen: Chosen) -> Changed:
    """Back on the list before their time is over."""
    return Changed(changed=alarms.unshelve(chosen.alarms, who))


@router.post(
    "/take-out",
    operation_id="take_alarms_out_of_service",
    **_ACTS,
)
def take_out(alarms: Alarms, who: Who, chosen: Chosen) -> Changed:
    """Out of service until they are put back; ``note`` says why and must be there."""
    return Changed(changed=alarms.take_out(chosen.alarms, who, chosen.note))


@router.post(
    "/put-back",
    operation_id="put_alarms_back_into_service",
    **_ACTS,
)
def put_back(alarms: Alarms, who: Who, chosen: Chosen) -> Changed:
    """Back into service."""
    return Changed(changed=alarms.put_back(chosen.alarms, who))


@router.get("/journal", operation_id="alarm_journal", responses=errors(400, 507))
def journal(
    alarms: Alarms,
    start: Annotated[str, Query(description=TIME)] = "",
    end: Annotated[str, Query(description=TIME)] = "",
    alarm: Annotated[str, Query(description="Only of this one.")] = "",
    before: Annotated[int | None, Query(description="Only lines with a smaller id.")] = None,
    limit: Annotated[int, Query(ge=1, le=JOURNAL_MAX)] = 200,
) -> Journal:
    """What happened, the newest first: every transition, every delivery of a notification."""
    now = now_us()
    start_us = parse_moment(start, now) if start else TIME_US_MIN
    end_us = parse_moment(end, now) if end else TIME_US_MAX
    found = alarms.journal(start_us, end_us, alarm, before, limit)
    return Journal(lines=[JournalLine.model_validate(row) for row in found])


@router.get("/definitions", operation_id="alarm_definitions", responses=errors(400))
def definitions(alarms: Alarms) -> Definitions:
    """The rows of ``alarms/*.csv`` that are in use, and how many alarms each makes."""
    return Definitions(
        definitions=[
            DefinitionShown(
                definition=one.row.definition,
                file=one.row.file,
                line=one.row.line,
                alarms=one.alarms,
                problem=Words.of(one.problem) if one.problem else None,
            )
            for one in alarms.defined()
        ]
    )
