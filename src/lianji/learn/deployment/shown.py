"""A deployed version as people see it: on the page, over HTTP, in the report to the hub."""

from __future__ import annotations

import math

from pydantic import BaseModel, Field

from lianji.base.errors import LianjiError
from lianji.learn.deployment.ledger import Entry, Version
from lianji.learn.deployment.running import RunningModel
from lianji.learn.deployment.stages import MOVES
from lianji.learn.models.card import Card


class Said(BaseModel):
    """The same in both languages."""

    en: str
    zh: str


class ShownInput(BaseModel):
    name: str
    tag: str
    unit: str
    value: float | None = None
    low: float
    high: float
    outside: bool = False


class ShownOutput(BaseModel):
    name: str
    tag: str = Field(description="Where it goes at this stage.")
    unit: str
    title: Said
    value: float | None = None
    half_width: float | None = None
    bias: float = Field(0, description="What is added to the raw output.")
    labels: int = Field(0, description="Late labels that were matched with an output.")
    unmatched: int = 0
    covered: float | None = Field(None, description="Share of the labels within their interval.")
    residuals: list[float] = Field([], description="The last, after correction.")


class ShownAlarm(BaseModel):
    kind: str
    time_us: int
    text: Said


class ShownMove(BaseModel):
    time_us: int
    version: int
    old: str = ""
    new: str
    by: str
    by_itself: bool
    why: Said


class Shown(BaseModel):
    """One version of one model."""

    name: str
    version: int
    title: Said
    stage: str
    since_us: int
    owner: str = Field(description="Whose key signed it.")
    may_become: list[str]
    state: str = Field("", description="ran, missing, gate, waiting or stopped; empty: not run.")
    last_us: int = 0
    inputs: list[ShownInput]
    outputs: list[ShownOutput]
    outside_share: float = 0
    outside_limit: float
    bias: float | None = None
    error: float | None = None
    latency_ms: float | None = None
    alarms: list[ShownAlarm] = []
    problem_code: str = ""
    problem: Said | None = None
    moves: list[ShownMove] = []
    expires_us: int


def shown(
    card: Card,
    one: Version,
    entry: Entry,
    running: RunningModel | None,
    problem: LianjiError | None = None,
) -> Shown:
    found = Shown(
        name=card.name,
        version=card.version,
        title=Said(en=card.title_en or card.name, zh=card.title_zh or card.title_en or card.name),
        stage=one.stage,
        since_us=one.since_us,
        owner=one.owner,
        may_become=[str(stage) for stage in MOVES[one.stage]],
        inputs=_inputs(card, running),
        outputs=_outputs(card, running),
        outside_limit=card.drift.outside,
        moves=_moves(entry, card.version),
        expires_us=card.expires_us,
    )
    problem = problem or (running.problem if running else None)
    if problem is not None:
        found.state, found.problem_code = "stopped", problem.code
        found.problem = Said(en=problem.cause.en, zh=problem.cause.zh)
    elif running is not None:
        found.state = running.last.said
    if running is not None:
        watch = running.watch
        found.last_us = running.last.time_us
        found.outside_share, found.bias = watch.outside_share, watch.bias
        found.error, found.latency_ms = watch.error, watch.latency_ms
        found.alarms = [
            ShownAlarm(kind=a.kind, time_us=a.time_us, text=Said(en=a.text.en, zh=a.text.zh))
            for a in watch.standing.values()
        ]
    return found


def _inputs(card: Card, running: RunningModel | None) -> list[ShownInput]:
    row = running.last.row if running else None
    found = []
    for number, one in enumerate(card.inputs):
        value = None if row is None else _number(float(row[number]))
        outside = value is not None and not one.low <= value <= one.high
        found.append(ShownInput(name=one.name, tag=one.tag, unit=one.unit, value=value,
                                low=one.low, high=one.high, outside=outside))  # fmt: skip
    return found


def _outputs(card: Card, running: RunningModel | None) -> list[ShownOutput]:
    found = []
    for number, one in enumerate(card.outputs):
        en = one.title_en or one.name
        title = Said(en=en, zh=one.title_zh or en)
        shape = ShownOutput(name=one.name, tag=one.tag, unit=one.unit, title=title)
        if running is not None:
            tracker, last = running.trackers[number], running.last
            shape.tag = running.paths[number][0]
            shape.half_width, shape.bias = tracker.half, tracker.bias
            shape.labels, shape.unmatched = tracker.labels, tracker.unmatched
            if tracker.labels and one.half_width is not None:
                shape.covered = tracker.covered / tracker.labels
            if last.said == "ran":
                shape.value = _number(last.values[number])
            if len(card.outputs) == 1:
                shape.residuals = list(running.watch.after)[-100:]
        found.append(shape)
    return found


def _moves(entry: Entry, version: int) -> list[ShownMove]:
    return [
        ShownMove(time_us=one.time_us, version=one.version, old=one.old or "", new=one.new,
                  by=one.by, by_itself=one.by_itself, why=Said(en=one.why_en, zh=one.why_zh))
        for one in reversed(entry.moves) if one.version == version
    ]  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
