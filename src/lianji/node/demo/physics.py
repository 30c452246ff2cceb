"""What every signal of the demo plant is at any moment: arithmetic, and nothing else.

The same moment always gives the same values, whether it is asked for alone (live) or among a
month of others (back-fill), so the two join without a jump. Counters are exact integrals; what
they stood at each midnight is kept in a ledger that is summed up once from the plant's founding
(about 0.15 s of CPU for each year since).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.node.demo import climate, electricity
from lianji.node.demo.accumulate import Counter, Thermal, between_borders, settle
from lianji.node.demo.air import COMPRESSORS, AirSpan, demand
from lianji.node.demo.cooling import ChillerSpan, DryerSpan
from lianji.node.demo.electricity import METERS
from lianji.node.demo.faults import drift_of
from lianji.node.demo.moulding import MACHINES, MachineSpan
from lianji.node.demo.noise import Floats, Ints, uniform, white
from lianji.node.demo.shift_calendar import (
    DAY_US,
    EPOCH_US,
    FIRST_DAY,
    OWN,
    SLOTS_A_DAY,
    Moments,
    Span,
    between,
    day_of,
    slot_of,
    working,
)
from lianji.node.demo.signals import SIGNALS

Values = NDArray[Any]
Totals = dict[str, dict[str, float]]
_LEDGER_DAYS = 32
_BLANK: Totals = {
    **{
        machine.name: {"cycles": 0.0, "rejects": 0.0, "heater": 0.0, "motor": 0.0}
        for machine in MACHINES
    },
    "air": {"run_1": 0.0, "run_2": 0.0, "load_1": 0.0, "load_2": 0.0},
    "hall": {"chiller": 0.0, "dryer": 0.0, "lighting": 0.0, "capacitors": 0.0},
}


@dataclass(frozen=True, slots=True)
class PlantSpan:
    """The whole plant over some days: everything but the slow temperatures."""

    span: Span
    machines: tuple[MachineSpan, ...]
    air: AirSpan
    chiller: ChillerSpan
    dryer: DryerSpan
    lighting: Counter
    capacitors: Counter
    hall_target: Floats

    @classmethod
    def of(cls, span: Span, base: Totals) -> PlantSpan:
        slots = span.slots
        machines = tuple(MachineSpan.of(m, span, base[m.name]) for m in MACHINES)
        producing = np.stack([m.plan.producing for m in machines]).sum(axis=0).astype(np.float64)
        heat = np.sum([m.plan.producing * (0.9 * m.machine.motor_kw) for m in machines], axis=0)
        present = working(slots)
        hall = climate.hall_target(slots, producing)
        drawn = demand(slots, producing, present.astype(np.float64))
        outdoor = climate.outdoor_of_slots(slots)
        own = base["hall"]
        return cls(
            span,
            machines,
            AirSpan.of(span, drawn, hall, base["air"]),
            ChillerSpan.of(span, heat, outdoor, hall, own["chiller"]),
            DryerSpan.of(span, hall, own["dryer"]),
            Counter.of(_lighting_kw(slots, present) / 3600.0, own["lighting"]),
            Counter.of(np.where(present, 26.0, 7.0)[OWN] / 3600.0, own["capacitors"]),
            hall,
        )

    def totals(self, slot: int) -> Totals:
        """Every counter at the start of the span's ``slot``."""
        hall = {
            "chiller": self.chiller.kwh,
            "dryer": self.dryer.kwh.borders,
            "lighting": self.lighting.borders,
            "capacitors": self.capacitors.borders,
        }
        borders = {m.machine.name: m.totals() for m in self.machines}
        borders |= {"air": self.air.totals(), "hall": hall}
        return {
            part: {name: float(totals[slot]) for name, totals in counters.items()}
            for part, counters in borders.items()
        }


@dataclass(frozen=True, slots=True)
class PlantDay:
    """One local day of the plant, with its slow temperatures: ready to be asked."""

    plant: PlantSpan
    hall: Floats
    barrels: tuple[list[Floats], ...]
    oil: list[Floats]
    supply: Floats
    drying: Floats
    dew: Floats

    @classmethod
    def of(cls, day: int, base: Totals) -> PlantDay:
        plant = PlantSpan.of(Span(day * SLOTS_A_DAY, SLOTS_A_DAY), base)
        thermals = [Thermal(plant.hall_target, 70, 70)]
        for machine in plant.machines:
            thermals += machine.thermals(plant.hall_target)
        thermals += plant.air.thermals() + plant.chiller.thermals() + plant.dryer.thermals()
        settled = iter(settle(thermals))
        hall = next(settled)
        barrels = tuple([next(settled) for _ in range(5)] for _ in plant.machines)
        return cls(
            plant, hall, barrels, [next(settled), next(settled)], *(next(settled) for _ in range(3))
        )

    def at(self, times_us: Ints) -> dict[str, Values]:
        """Every signal by its key in ``signals`` (``machine.signal``), not yet rounded."""
        plant = self.plant
        moments = Moments.of(times_us, plant.span)
        parts: dict[str, dict[str, Values]] = {
            machine.machine.name: machine.signals(moments, heat)
            for machine, heat in zip(plant.machines, self.barrels, strict=True)
        }
        for number, name in enumerate(COMPRESSORS):
            parts[name] = {**plant.air.signals(number, moments, self.oil[number])}
        parts["chiller"] = {**plant.chiller.signals(moments, self.supply)}
        parts["dryer"] = {**plant.dryer.signals(moments, self.drying, self.dew)}
        parts["climate"] = self._climate(moments)
        parts |= self._meters(moments)
        values = {
            f"{part}.{signal}": column
            for part, columns in parts.items()
            for signal, column in columns.items()
        }
        for key, added in drift_of(times_us):
            values[key] = values[key] + added
        return values

    def _climate(self, moments: Moments) -> dict[str, Values]:
        hall = between_borders(self.hall, moments) + 0.08 * white(4, moments.seconds)
        outdoor = climate.outdoor_cel(moments.time_s) + 0.06 * white(5, moments.seconds)
        return {
            "hall_temperature": hall,
            "hall_humidity": climate.humidity(moments, hall),
            "outdoor_temperature": outdoor,
        }

    def _meters(self, moments: Moments) -> dict[str, dict[str, Values]]:
        plant = self.plant
        moulding = electricity.moulding_load(plant.machines, moments)
        utilities = electricity.utilities_load(plant.air, plant.chiller, plant.dryer, moments)
        main = moulding + utilities
        main += electricity.other_load(plant.lighting, plant.capacitors, moments)
        return {
            name: {**electricity.meter_signals(number, load, moments)}
            for number, (name, load) in enumerate(
                zip(METERS, (main, moulding, utilities), strict=True)
            )
        }


def _lighting_kw(slots: Ints, present: NDArray[np.bool_]) -> Floats:
    office = between(slots, slot_of(8), slot_of(18)) & present
    kw = 3.2 + 11.0 * present + 6.0 * office
    return np.asarray((kw * (1 + 0.06 * (uniform(400, slots) - 0.5)))[OWN])


class Ledger:
    """What the counters stood at on midnight of each day since the founding; it only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._midnights: list[Totals] = [_BLANK]

    def at(self, day: int) -> Totals:
        """Totals at the start of a day, summed up so far if they are not yet."""
        with self._lock:
            while FIRST_DAY + len(self._midnights) <= day:
                last = FIRST_DAY + len(self._midnights) - 1
                span = Span(last * SLOTS_A_DAY, _LEDGER_DAYS * SLOTS_A_DAY)
                plant = PlantSpan.of(span, self._midnights[-1])
                after = range(1, _LEDGER_DAYS + 1)
                self._midnights.extend(plant.totals(days * SLOTS_A_DAY) for days in after)
            return self._midnights[day - FIRST_DAY]


_LEDGER = Ledger()


@lru_cache(maxsize=3)
def plant_day(day: int) -> PlantDay:
    return PlantDay.of(day, _LEDGER.at(day))


def values_at(times_us: Ints) -> dict[str, Values]:
    """Every signal at ascending moments of one local day, by tag path, rounded as shown.

    Arrays have the length of ``times_us``: float64, or unicode for texts.
    Raises InputError for a time before the plant was founded.
    """
    day = day_of(int(times_us[0]))
    if day_of(int(times_us[-1])) != day:
        raise ValueError("the moments are not of one local day")
    found = plant_day(day).at(times_us)
    return {
        signal.path: found[signal.key]
        if signal.is_text
        else np.round(found[signal.key], signal.decimals)
        for signal in SIGNALS
    }


def days_between(start_us: int, end_us: int, step_us: int) -> list[Ints]:
    """The moments start, start + step, ... below ``end_us``, cut at local midnights."""
    times = np.arange(start_us, end_us, step_us, dtype=np.int64)
    if not len(times):
        return []
    days = (times - EPOCH_US) // DAY_US
    return np.split(times, np.flatnonzero(np.diff(days)) + 1)


def simulate(start_us: int, end_us: int, step_s: float = 1.0) -> dict[str, Values]:
    """Every signal from ``start_us`` (inclusive) to ``end_us`` (exclusive), by tag path.

    Raises InputError for a time before the plant was founded.
    """
    pieces = [values_at(times) for times in days_between(start_us, end_us, int(step_s * 1e6))]
    if not pieces:
        return {signal.path: np.empty(0) for signal in SIGNALS}
    if len(pieces) == 1:
        return pieces[0]
    return {path: np.concatenate([piece[path] for piece in pieces]) for path in pieces[0]}
