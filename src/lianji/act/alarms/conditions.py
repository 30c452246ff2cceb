"""Is it true? For all alarms at once, from the newest sample of each tag.

Arrays in, arrays out; nothing here knows of states or people. What bad quality means: a limit, a
rate, a state or an expression is not judged by a bad sample, nor by one without a number. It stays
as it was, and its delays begin anew. That the sample is bad is what ``bad`` alarms are for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianji.act.alarms.alarm import Alarm, expression_of
from lianji.act.alarms.definition import LIMITS, AlarmKind
from lianji.act.alarms.rates import Rates
from lianji.dictionary.expression import Expression, parse
from lianji.dictionary.quality import Qualities, Quality, is_bad

NEVER = np.iinfo(np.int64).min
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Places = NDArray[np.intp]


@dataclass(slots=True)
class Snapshot:
    """The newest sample of each tag that is needed, at one moment. Arrays by the tag's place."""

    time_us: Times
    """``NEVER`` for a tag that never spoke."""
    value: Floats
    quality: Qualities
    texts: dict[int, str] = field(default_factory=dict)

    @classmethod
    def silent(cls, tags: int) -> Snapshot:
        return cls(
            np.full(tags, NEVER, np.int64),
            np.full(tags, np.nan),
            np.full(tags, Quality.BAD_WAITING_FOR_INITIAL_DATA, np.uint16),
        )

    @property
    def usable(self) -> Bools:
        found: Bools = np.isfinite(self.value) & ~is_bad(self.quality)
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    """The alarms of one row with an expression: its tags' places, one column a tag."""

    alarms: Places
    expression: Expression
    places: list[Places]

    def truth(self, snapshot: Snapshot) -> tuple[Bools, Bools, Floats]:
        """Whether it is true, whether that is known, and the value of each alarm."""
        values = [snapshot.value[place] for place in self.places] or [np.zeros(len(self.alarms))]
        qualities = [snapshot.quality[place] for place in self.places]
        value, quality = self.expression.evaluate(values, qualities or [np.zeros(1, np.uint16)])
        known = ~is_bad(quality)
        return (value != 0) & known, known, value


class Conditions:
    """What some alarms look at. Their order is the order of all arrays."""

    def __init__(self, alarms: Sequence[Alarm]) -> None:
        self.alarms = alarms
        self._places: dict[str, int] = {}
        self.place = np.array([self._place(alarm.tag) for alarm in alarms], np.intp)
        """The tag's place of each alarm; -1 for one without a tag."""
        kinds = np.array([alarm.definition.kind.value for alarm in alarms], dtype=object)
        limits = [LIMITS.get(alarm.definition.kind, 0) for alarm in alarms]
        self._sign = np.array(limits, np.float64)
        self._limit = np.array([alarm.definition.limit or 0.0 for alarm in alarms], np.float64)
        self._deadband = np.array([alarm.definition.deadband for alarm in alarms], np.float64)
        self._limited = np.flatnonzero(self._sign)
        self._stale = np.flatnonzero(kinds == AlarmKind.STALE.value)
        self._bad = np.flatnonzero(kinds == AlarmKind.BAD.value)
        rated = np.flatnonzero(kinds == AlarmKind.RATE.value)
        self._rated = rated
        self.rates = Rates([alarms[place].definition.window_s for place in rated.tolist()])
        self._states(np.flatnonzero(kinds == AlarmKind.STATE.value))
        self._rows = self._expressions(lambda alarm: alarm.definition.expression)
        self._suppressing = self._expressions(lambda alarm: alarm.definition.suppress_when)
        self.tags = tuple(self._places)
        """The tags that are needed, in the order of a snapshot."""
        self._heard_us = np.full(len(self.tags), NEVER, np.int64)
        self._heard_s = np.full(len(self.tags), np.nan)

    def _place(self, path: str) -> int:
        return self._places.setdefault(path, len(self._places)) if path else -1

    def _states(self, places: Places) -> None:
        numbers = [(p, self.alarms[p].number) for p in places.tolist()]
        self._equals = np.array([p for p, number in numbers if number is not None], np.intp)
        self._equal_to = np.array([n for _, n in numbers if n is not None], np.float64)
        self._spoken = [(p, self.alarms[p].definition.state) for p, n in numbers if n is None]

    def _expressions(self, text_of: Callable[[Alarm], str]) -> list[_Row]:
        """Alarms of one row share an expression, so they are worked out in one go."""
        by_row: dict[int, list[int]] = {}
        for place, alarm in enumerate(self.alarms):
            if text_of(alarm):
                by_row.setdefault(alarm.row, []).append(place)
        rows = []
        for members in by_row.values():
            text = text_of(self.alarms[members[0]])
            tags = [expression_of(text, self.alarms[place].tag).tags for place in members]
            columns = [
                np.array([self._place(names[k]) for names in tags], np.intp)
                for k in range(len(tags[0]))
            ]
            rows.append(_Row(np.array(members, np.intp), parse(text), columns))
        return rows

    # -- every second ------------------------------------------------------------------------

    def carry(self, other: Conditions, mine: Places, theirs: Places) -> None:
        """Take over what another knew: of the same tags, and of these of its alarms."""
        for path, place in self._places.items():
            known = other._places.get(path)
            if known is not None:
                self._heard_us[place] = other._heard_us[known]
                self._heard_s[place] = other._heard_s[known]
        new = {alarm: n for n, alarm in enumerate(self._rated.tolist())}
        old = {alarm: n for n, alarm in enumerate(other._rated.tolist())}
        pairs = [
            (new[a], old[b])
            for a, b in zip(mine.tolist(), theirs.tolist(), strict=True)
            if a in new and b in old
        ]
        self.rates.carry(other.rates, pairs)

    def observe(self, snapshot: Snapshot, active: Bools, steady_s: float) -> None:
        """Note which tags have spoken since the last time, and how fast they move.

        What lies there at the start tells nothing of silence: the plant itself was silent. So each
        tag has the time of its alarm to speak, and an alarm that was active stays until it does.
        """
        spoke = snapshot.time_us != self._heard_us
        first = np.isnan(self._heard_s)
        self._heard_s[spoke | first] = steady_s
        silent = self.place[self._stale[active[self._stale]]]
        self._heard_s[silent[first[silent]]] = -np.inf
        self._heard_us = snapshot.time_us.copy()
        place = self.place[self._rated]
        self.rates.note(snapshot.time_us[place], snapshot.value[place], snapshot.usable[place])

    def true_now(self, snapshot: Snapshot, active: Bools, steady_s: float) -> Bools:
        """Whether each alarm's condition holds, where ``active`` says which are raised."""
        true = active.copy()
        usable = snapshot.usable
        self._limits(true, snapshot, usable, active)
        self._rate(true, active)
        self._equality(true, snapshot, usable)
        for row in self._rows:
            found, known, _ = row.truth(snapshot)
            true[row.alarms[known]] = found[known]
        age_s = steady_s - self._heard_s[self.place[self._stale]]
        true[self._stale] = age_s > self._limit[self._stale]
        self._badness(true, snapshot)
        return true

    def _limits(self, true: Bools, snapshot: Snapshot, usable: Bools, active: Bools) -> None:
        judged = self._limited[usable[self.place[self._limited]]]
        sign = self._sign[judged]
        bound = sign * self._limit[judged] - self._deadband[judged] * active[judged]
        true[judged] = sign * snapshot.value[self.place[judged]] > bound

    def _rate(self, true: Bools, active: Bools) -> None:
        rate, known = self.rates.per_minute()
        judged, rate = self._rated[known], rate[known]
        sign = np.sign(self._limit[judged])
        bound = sign * self._limit[judged] - self._deadband[judged] * active[judged]
        true[judged] = sign * rate > bound

    def _equality(self, true: Bools, snapshot: Snapshot, usable: Bools) -> None:
        place = self.place[self._equals]
        known = usable[place]
        true[self._equals[known]] = snapshot.value[place[known]] == self._equal_to[known]
        for alarm, text in self._spoken:
            at = int(self.place[alarm])
            if not is_bad(int(snapshot.quality[at])):
                true[alarm] = snapshot.texts.get(at) == text

    def _badness(self, true: Bools, snapshot: Snapshot) -> None:
        place = self.place[self._bad]
        silent = snapshot.time_us[place] == NEVER
        empty = ~np.isfinite(snapshot.value[place])
        if snapshot.texts and empty.any():
            empty &= ~np.isin(place, list(snapshot.texts))
        true[self._bad] = (is_bad(snapshot.quality[place]) | empty) & ~silent

    def suppressed_now(self, snapshot: Snapshot, before: Bools) -> Bools:
        """Which are suppressed by design; where that cannot be told, it is as before."""
        found = before.copy()
        for row in self._suppressing:
            true, known, _ = row.truth(snapshot)
            found[row.alarms[known]] = true[known]
        return found

    def values(self, snapshot: Snapshot) -> Floats:
        """What each alarm would show: its tag's value, or its rate. NaN where there is none."""
        shown = np.full(len(self.alarms), np.nan)
        tagged = self.place >= 0
        shown[tagged] = snapshot.value[self.place[tagged]]
        rate, known = self.rates.per_minute()
        shown[self._rated] = np.where(known, rate, np.nan)
        return shown

    def times_us(self, snapshot: Snapshot) -> Times:
        """The sample's own time of each alarm; ``NEVER`` where the clock alone counts."""
        times = np.full(len(self.alarms), NEVER, np.int64)
        by_sample = np.flatnonzero(self.place >= 0)
        times[by_sample] = snapshot.time_us[self.place[by_sample]]
        times[self._stale] = NEVER
        for row in self._rows:
            times[row.alarms] = NEVER
        return times
