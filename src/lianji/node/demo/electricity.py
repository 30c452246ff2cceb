"""Three power meters, whose counters are the exact integrals of the powers that they show.

A meter sees sums: motors, heaters, compressors, the chiller, the dryer, lighting. Each part
knows its power and its energy in closed form; a meter adds them and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lianji.node.demo.accumulate import Counter
from lianji.node.demo.air import AirSpan
from lianji.node.demo.cooling import ChillerSpan, DryerSpan
from lianji.node.demo.moulding import MachineSpan
from lianji.node.demo.noise import Floats, wander, white
from lianji.node.demo.shift_calendar import Moments

METERS = ("meter-main", "meter-moulding", "meter-utilities")
_START_KWH = (482_310.0, 297_450.0, 151_870.0)
_START_KVARH = (96_200.0, 171_300.0, 118_400.0)
_IMBALANCE = (1.0, 1.035, 0.968)
_MOTOR_TAN, _CHILLER_TAN, _OTHER_TAN = 0.85, 0.68, 0.33
_VOLTS = 230.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one meter sees: kW and kvar now, kWh and kvarh since the epoch."""

    kw: Floats
    kvar: Floats
    kwh: Floats
    kvarh: Floats

    def __add__(self, other: Load) -> Load:
        return Load(
            self.kw + other.kw,
            self.kvar + other.kvar,
            self.kwh + other.kwh,
            self.kvarh + other.kvarh,
        )


def moulding_load(machines: Sequence[MachineSpan], moments: Moments) -> Load:
    motor_kw = sum((m.motor_now(moments) for m in machines), np.float64(0))
    motor_kwh = sum((m.motor_total(moments) for m in machines), np.float64(0))
    heater_kw = sum((m.heater_now(moments) for m in machines), np.float64(0))
    heater_kwh = sum((m.heater_kwh.at(moments) for m in machines), np.float64(0))
    return Load(
        np.asarray(motor_kw + heater_kw),
        np.asarray(_MOTOR_TAN * motor_kw),
        np.asarray(motor_kwh + heater_kwh),
        np.asarray(_MOTOR_TAN * motor_kwh),
    )


def utilities_load(air: AirSpan, chiller: ChillerSpan, dryer: DryerSpan, moments: Moments) -> Load:
    chiller_kw, chiller_kwh = chiller.power_now(moments), chiller.energy_kwh(moments)
    return Load(
        air.power_now(0, moments)
        + air.power_now(1, moments)
        + chiller_kw
        + dryer.power_now(moments),
        air.kvar_now(0, moments) + air.kvar_now(1, moments) + _CHILLER_TAN * chiller_kw,
        air.energy_kwh(0, moments)
        + air.energy_kwh(1, moments)
        + chiller_kwh
        + dryer.kwh.at(moments),
        air.kvarh(0, moments) + air.kvarh(1, moments) + _CHILLER_TAN * chiller_kwh,
    )


def other_load(lighting: Counter, capacitors: Counter, moments: Moments) -> Load:
    """Lighting and offices, less what the capacitor bank gives back."""
    kw, kwh = lighting.rate[moments.index] * 3600.0, lighting.at(moments)
    kvar = _OTHER_TAN * kw - capacitors.rate[moments.index] * 3600.0
    return Load(kw, kvar, kwh, np.asarray(_OTHER_TAN * kwh - capacitors.at(moments)))


def meter_signals(number: int, load: Load, moments: Moments) -> dict[str, Floats]:
    """Every signal of one meter by its short name."""
    apparent = np.hypot(load.kw, load.kvar)
    sag = 0.02 * load.kw + 1.8 * wander(300, moments.time_s, 2400.0)
    ampere = apparent * (1000.0 / 3 / _VOLTS)
    signals = {
        "active_power": load.kw,
        "reactive_power": load.kvar,
        "power_factor": load.kw / np.maximum(apparent, 0.01),
        "energy": _START_KWH[number] + load.kwh,
        "reactive_energy": _START_KVARH[number] + load.kvarh,
    }
    for line, imbalance in enumerate(_IMBALANCE):
        noise = white(310 + 10 * number + line, moments.seconds)
        signals[f"voltage_l{line + 1}"] = _VOLTS + 1.5 + line * 0.4 - sag + 0.15 * noise
        signals[f"current_l{line + 1}"] = ampere * imbalance * (1 + 0.004 * noise)
    return signals
