"""Alarms as people see them: the list by urgency, floods folded, and all in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lianji.act.alarms.alarm import Alarm
from lianji.act.alarms.definition import AlarmKind, Priority
from lianji.act.alarms.flood import Fold, folded
from lianji.act.alarms.states import AlarmState, Standing
from lianji.base.errors import Text

_RANK = {AlarmState.UNACKNOWLEDGED: 0, AlarmState.RETURNED: 1, AlarmState.ACKNOWLEDGED: 2}
LISTED = frozenset(_RANK)
"""The states in which an alarm stands on the list."""


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm as it stands. Times are microseconds since 1970 UTC."""

    id: str
    state: AlarmState
    kind: AlarmKind
    priority: Priority
    group: str
    tag: str
    message: Text
    action: Text
    value: float | None
    unit: str
    active: bool
    unacknowledged: bool
    raised_us: int | None
    returned_us: int | None
    shelved_until_us: int | None
    note: str
    by: str


def line_of(alarm: Alarm, standing: Standing, value: float | None) -> AlarmLine:
    return AlarmLine(
        id=alarm.id,
        state=standing.state,
        kind=alarm.definition.kind,
        priority=alarm.priority,
        group=alarm.group,
        tag=alarm.tag,
        message=alarm.message,
        action=alarm.action,
        value=value,
        unit=alarm.unit,
        active=standing.active,
        unacknowledged=standing.unacknowledged,
        raised_us=standing.raised_us,
        returned_us=standing.returned_us,
        shelved_until_us=standing.shelved_until_us,
        note=standing.note,
        by=standing.by,
    )


def by_urgency(lines: Iterable[AlarmLine]) -> list[AlarmLine]:
    """The most urgent first: what asks for somebody, then by priority, then the newest."""

    def rank(line: AlarmLine) -> tuple[bool, int, int, int]:
        state = _RANK.get(line.state, len(_RANK))
        return (not line.unacknowledged, line.priority, state, -(line.raised_us or 0))

    return sorted(lines, key=rank)


def is_listed(line: AlarmLine) -> bool:
    """Whether it stands on the list: not normal, not put aside, and more than written down."""
    return line.state in LISTED and line.priority is not Priority.JOURNAL


def folded_lines(lines: Sequence[AlarmLine]) -> list[Fold[AlarmLine]]:
    """The list with every flood of one group as one line."""
    return folded(lines, lambda line: line.group, lambda line: line.raised_us or 0)


@dataclass(frozen=True, slots=True)
class Summary:
    """All alarms in one line, for the banner of every page."""

    unacknowledged: int = 0
    active: int = 0
    shelved: int = 0
    suppressed: int = 0
    out_of_service: int = 0
    by_priority: dict[int, int] = field(default_factory=dict)
    """How many of each priority stand on the list."""
    most_urgent: AlarmLine | None = None


def summary_of(lines: Sequence[AlarmLine]) -> Summary:
    """``lines``: all that are not simply normal."""
    listed = by_urgency(line for line in lines if is_listed(line))
    by_priority: dict[int, int] = {}
    for line in listed:
        by_priority[int(line.priority)] = by_priority.get(int(line.priority), 0) + 1
    states = [line.state for line in lines]
    return Summary(
        unacknowledged=sum(line.unacknowledged for line in listed),
        active=sum(line.active for line in listed),
        shelved=states.count(AlarmState.SHELVED),
        suppressed=states.count(AlarmState.SUPPRESSED),
        out_of_service=states.count(AlarmState.OUT_OF_SERVICE),
        by_priority=by_priority,
        most_urgent=listed[0] if listed else None,
    )
