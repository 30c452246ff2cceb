"""The states of one alarm after ISA-18.2 (IEC 62682), figure "Alarm state transition diagram".

Values in, values out, and the clock is handed in. Three facts lie beneath the state: whether the
condition holds, whether somebody has still to acknowledge it, and what keeps it off the list
(shelved by a person for a time, suppressed by design, out of service). The standard's letters:

    A normal     B unacknowledged   C acknowledged          D returned, unacknowledged
    G shelved    H suppressed by design                     I out of service

E and F (latched) are not used: an alarm here ends with its condition. Keeping an alarm off the
list postpones and never acknowledges: what still asked for it before asks again afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

SHELVED_US_MAX = 7 * 86_400 * 1_000_000
"""Nothing is shelved for longer: a week. What has to rest longer is out of service."""


class AlarmState(StrEnum):
    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


class Event(StrEnum):
    """What the journal calls that which happened to an alarm."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    TAKEN_OUT = "taken_out"
    PUT_BACK = "put_back"
    REMOVED = "removed"
    NOTIFIED = "notified"
    NOT_NOTIFIED = "not_notified"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one alarm stands. Times are microseconds since 1970 UTC."""

    active: bool = False
    unacknowledged: bool = False
    shelved_until_us: int | None = None
    suppressed: bool = False
    out_of_service: bool = False
    raised_us: int | None = None
    """When it last began to ask for attention."""
    returned_us: int | None = None
    note: str = ""
    """Why it is shelved or out of service."""
    by: str = ""
    """Who acknowledged, shelved or took it out last."""

    @property
    def hidden(self) -> bool:
        return self.out_of_service or self.suppressed or self.shelved_until_us is not None

    @property
    def state(self) -> AlarmState:
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed:
            return AlarmState.SUPPRESSED
        if self.shelved_until_us is not None:
            return AlarmState.SHELVED
        if self.unacknowledged:
            return AlarmState.UNACKNOWLEDGED if self.active else AlarmState.RETURNED
        return AlarmState.ACKNOWLEDGED if self.active else AlarmState.NORMAL


NORMAL = Standing()


def observed(standing: Standing, active: bool, at_us: int, asks: bool = True) -> Standing:
    """The condition now holds, or no longer does.

    ``asks`` is false for an alarm that is only written down. What begins while the alarm is kept
    off the list asks for nothing until it is back.
    """
    if active == standing.active:
        return standing
    if not active:
        return replace(standing, active=False, returned_us=at_us)
    if standing.hidden:
        return replace(standing, active=True)
    return _asking(replace(standing, active=True), at_us, asks)


def acknowledged(standing: Standing, who: str) -> Standing:
    """Somebody has seen it. Nothing changes where nothing was to be acknowledged."""
    return replace(standing, unacknowledged=False, by=who) if standing.unacknowledged else standing


def shelved(standing: Standing, until_us: int, who: str, note: str) -> Standing:
    """Off the list until a time; again: until another one."""
    return replace(standing, shelved_until_us=until_us, by=who, note=note)


def unshelved(standing: Standing, at_us: int, asks: bool = True) -> Standing:
    """Back, because its time is over or somebody wants it back."""
    if standing.shelved_until_us is None:
        return standing
    return _back(replace(standing, shelved_until_us=None, note=""), at_us, asks)


def shelf_is_over(standing: Standing, now_us: int) -> bool:
    """Whether its time is over. A clock that was set back holds no alarm on the shelf for years:
    an end further off than anything may be shelved for is one too."""
    until_us = standing.shelved_until_us
    return until_us is not None and not 0 < until_us - now_us <= SHELVED_US_MAX


def suppressed(standing: Standing, by_design: bool, at_us: int, asks: bool = True) -> Standing:
    """The plant's own reason to be silent began or ended."""
    if by_design == standing.suppressed:
        return standing
    changed = replace(standing, suppressed=by_design)
    return changed if by_design else _back(changed, at_us, asks)


def taken_out(standing: Standing, who: str, note: str) -> Standing:
    """Out of service, until somebody puts it back."""
    return replace(standing, out_of_service=True, by=who, note=note)


def put_back(standing: Standing, at_us: int, asks: bool = True) -> Standing:
    if not standing.out_of_service:
        return standing
    return _back(replace(standing, out_of_service=False, note=""), at_us, asks)


def _back(standing: Standing, at_us: int, asks: bool) -> Standing:
    """Back on the list, unless something else still keeps it off: what holds is told anew."""
    if standing.hidden or not standing.active:
        return standing
    return _asking(standing, at_us, asks)


def _asking(standing: Standing, at_us: int, asks: bool) -> Standing:
    return replace(standing, unacknowledged=asks, raised_us=at_us, returned_us=None, by="")
