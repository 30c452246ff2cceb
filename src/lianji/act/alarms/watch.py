"""The alarms of a plant, watched: from the newest samples to what changed, once a second.

Conditions and delays are worked out for all alarms at once; only what changed by it goes through
the states one by one. No I/O and no clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.act.alarms import states
from lianji.act.alarms.alarm import Alarm
from lianji.act.alarms.conditions import Conditions, Snapshot
from lianji.act.alarms.delays import Delays
from lianji.act.alarms.states import NORMAL, AlarmState, Event, Standing

SYSTEM = "system"
"""Who did what nobody did."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one alarm, and how it stands since."""

    place: int
    event: Event
    standing: Standing
    who: str = SYSTEM
    value: float | None = None
    note: str = ""


class Watch:
    """Some alarms and how each stands. ``conditions.tags`` says what a snapshot must hold."""

    def __init__(self, alarms: Sequence[Alarm], standings: Mapping[str, Standing]) -> None:
        self.alarms = alarms
        self.place_of = {alarm.id: place for place, alarm in enumerate(alarms)}
        self.standings = [standings.get(alarm.id, NORMAL) for alarm in alarms]
        self.conditions = Conditions(alarms)
        self._delays = Delays(
            np.array([alarm.definition.on_delay_s for alarm in alarms], np.float64),
            np.array([alarm.definition.off_delay_s for alarm in alarms], np.float64),
            self._which(lambda standing: standing.active),
        )
        self._suppressed = self._which(lambda standing: standing.suppressed)
        self.values: NDArray[np.float64] = np.full(len(alarms), np.nan)
        """What each alarm shows, by the newest snapshot."""
        self.standing_out = {
            place for place, standing in enumerate(self.standings) if standing != NORMAL
        }
        """The places of those that are not simply normal."""

    def _which(self, holds: Callable[[Standing], bool]) -> NDArray[np.bool_]:
        return np.array([holds(standing) for standing in self.standings], dtype=bool)

    def carry(self, other: Watch) -> None:
        """Take over what another watch of partly the same alarms was waiting for."""
        shared = [
            (place, other.place_of[alarm.id])
            for place, alarm in enumerate(self.alarms)
            if alarm.id in other.place_of
            and alarm.definition == other.alarms[other.place_of[alarm.id]].definition
        ]
        mine = np.array([pair[0] for pair in shared], np.intp)
        theirs = np.array([pair[1] for pair in shared], np.intp)
        self._delays.carry(other._delays, mine, theirs)
        self.conditions.carry(other.conditions, mine, theirs)

    def step(self, snapshot: Snapshot, now_us: int, steady_s: float) -> list[Change]:
        """What changed by the newest samples and by time, as it was applied, in order."""
        conditions = self.conditions
        conditions.observe(snapshot, self._delays.active, steady_s)
        self.values = conditions.values(snapshot)
        changes = [*self._suppress(snapshot, now_us), *self._unshelve(now_us)]
        true = conditions.true_now(snapshot, self._delays.active, steady_s)
        times_us = conditions.times_us(snapshot)
        for place in self._delays.settle(true, times_us, steady_s).tolist():
            active = bool(self._delays.active[place])
            before, asks = self.standings[place], self.alarms[place].asks
            after = states.observed(before, active, now_us, asks)
            event = Event.RAISED if active else Event.RETURNED
            changes.append(self._apply(place, event, after))
        return changes

    def _suppress(self, snapshot: Snapshot, now_us: int) -> list[Change]:
        found = self.conditions.suppressed_now(snapshot, self._suppressed)
        changed = np.flatnonzero(found != self._suppressed)
        self._suppressed = found
        changes = []
        for place in changed.tolist():
            by_design, asks = bool(found[place]), self.alarms[place].asks
            after = states.suppressed(self.standings[place], by_design, now_us, asks)
            event = Event.SUPPRESSED if by_design else Event.UNSUPPRESSED
            changes.append(self._apply(place, event, after))
        return changes

    def _unshelve(self, now_us: int) -> list[Change]:
        over = [
            place
            for place in self.standing_out
            if states.shelf_is_over(self.standings[place], now_us)
        ]
        return [
            self._apply(
                place,
                Event.UNSHELVED,
                states.unshelved(self.standings[place], now_us, self.alarms[place].asks),
            )
            for place in sorted(over)
        ]

    def _apply(self, place: int, event: Event, after: Standing) -> Change:
        self.put(place, after)
        return Change(place, event, after, value=self.value(place))

    def value(self, place: int) -> float | None:
        value = float(self.values[place])
        return value if np.isfinite(value) else None

    def put(self, place: int, standing: Standing) -> None:
        """How an alarm stands from now on, by an act of a person or of the watch itself."""
        if standing.state is AlarmState.NORMAL and not standing.active:
            standing = NORMAL
        self.standings[place] = standing
        if standing == NORMAL:
            self.standing_out.discard(place)
        else:
            self.standing_out.add(place)
