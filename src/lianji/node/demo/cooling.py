"""The chiller that carries away the machines' heat, and the dryer that feeds them dry granulate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianji.node.demo.accumulate import (
    Counter,
    Thermal,
    area_below,
    between_borders,
    running_total,
    shifted,
)
from lianji.node.demo.noise import Floats, uniform, wander, white
from lianji.node.demo.shift_calendar import (
    HEATING_START,
    OWN,
    SHIFT_END,
    SLOT_S,
    SLOTS_A_DAY,
    Moments,
    Span,
    between,
    on_working_day,
    slot_of,
)

_KW_PER_M3H_KELVIN = 1.163
"""Heat that a cubic metre of water an hour carries for each kelvin."""
_FLOW_M3H, _PUMP_KW, _SUPPLY_CEL = 16.0, 2.2, 9.0
_SMOOTHING = 4
_REGENERATION_S, _DRYING_CEL, _DRY_DEW_CEL, _WET_DEW_CEL = 14_400.0, 85.0, -43.0, -6.0


@dataclass(frozen=True, slots=True)
class ChillerSpan:
    """The chiller over one span: heat and power are lines between the borders of the slots."""

    on: Floats
    heat_kw: Floats
    power_kw: Floats
    kwh: Floats
    supply_target: Floats

    @classmethod
    def of(
        cls, span: Span, heat: Floats, outdoor: Floats, hall: Floats, base: float
    ) -> ChillerSpan:
        """``heat`` (kW of the machines), ``outdoor`` and ``hall`` (Cel) with the day of lead."""
        slots = span.slots
        on = on_working_day(slots) & between(slots, HEATING_START, SHIFT_END + slot_of(0, 30))
        smooth = np.convolve(heat + 4.0 * on, np.full(_SMOOTHING, 1 / _SMOOTHING))[: len(heat)]
        heat_borders = smooth[SLOTS_A_DAY - 1 :]
        on_borders = np.concatenate((on[OWN], on[-1:])) & (heat_borders > 0)
        outside = np.concatenate((outdoor[OWN], outdoor[-1:]))
        performance = 4.1 - 0.045 * (outside - 20.0)
        power = np.where(on_borders, heat_borders / performance + _PUMP_KW, 0.15)
        worked = (power[:-1] + power[1:]) * (SLOT_S / 7200.0)
        supply = np.where(on, _SUPPLY_CEL, hall - 1.0)
        on_own = on[OWN].astype(np.float64)
        return cls(on_own, heat_borders, power, running_total(base, worked), supply)

    def thermals(self) -> list[Thermal]:
        return [Thermal(self.supply_target, 300, 12)]

    def power_now(self, moments: Moments) -> Floats:
        return between_borders(self.power_kw, moments)

    def energy_kwh(self, moments: Moments) -> Floats:
        return np.asarray(self.kwh[moments.index] + area_below(self.power_kw, moments) / 3600.0)

    def signals(self, moments: Moments, supply: Floats) -> dict[str, Floats]:
        on = self.on[moments.index]
        noise = white(200, moments.seconds)
        flow = on * (_FLOW_M3H + 0.5 * wander(201, moments.time_s, 1800.0) + 0.06 * noise)
        supplied = between_borders(supply, moments) + on * 0.5 * np.sin(moments.time_s / 70.0)
        warmed = between_borders(self.heat_kw, moments) / (_FLOW_M3H * _KW_PER_M3H_KELVIN)
        return {
            "state": on,
            "supply_temperature": supplied + 0.04 * noise,
            "return_temperature": supplied + on * warmed + 0.3 * (1 - on) + 0.04 * noise,
            "flow": np.maximum(0.0, flow),
            "power": np.maximum(0.0, self.power_now(moments) * (1 + 0.01 * noise)),
        }


@dataclass(frozen=True, slots=True)
class DryerSpan:
    """The dryer over one span; its desiccant is regenerated every four hours."""

    on: Floats
    kwh: Counter
    temperature_target: Floats
    dew_target: Floats

    @classmethod
    def of(cls, span: Span, hall: Floats, base: float) -> DryerSpan:
        slots = span.slots
        on = on_working_day(slots) & between(slots, slot_of(6), SHIFT_END)
        warming = on & ~shifted(on, 6)
        share = np.where(warming, 1.0, 0.5 + 0.12 * uniform(210, slots))
        power = np.where(on, 9.0 * share, 0.08)
        return cls(
            on[OWN].astype(np.float64),
            Counter.of(power[OWN] / 3600.0, base),
            np.where(on, _DRYING_CEL, hall),
            np.where(on, _DRY_DEW_CEL, _WET_DEW_CEL),
        )

    def thermals(self) -> list[Thermal]:
        return [Thermal(self.temperature_target, 16, 55), Thermal(self.dew_target, 150, 25)]

    def power_now(self, moments: Moments) -> Floats:
        return np.asarray(self.kwh.rate[moments.index] * 3600.0)

    def signals(self, moments: Moments, heat: Floats, dew: Floats) -> dict[str, Floats]:
        on = self.on[moments.index]
        noise = white(211, moments.seconds)
        since = moments.time_s % _REGENERATION_S
        wet = 14.0 * (np.minimum(since / 400.0, 1.0) * np.exp(-np.maximum(since - 400, 0) / 900.0))
        return {
            "state": on,
            "temperature": between_borders(heat, moments)
            + on * 0.7 * np.sin(moments.time_s / 33.0)
            + 0.1 * noise,
            "dew_point": between_borders(dew, moments) + on * wet + 0.2 * noise,
            "power": np.maximum(0.0, self.power_now(moments) * (1 + 0.01 * noise)),
        }
