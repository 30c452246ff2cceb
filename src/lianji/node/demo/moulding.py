"""Injection-moulding machines: a cycle of five phases, and what it does to force, heat and power.

The cycle counter is the state of a machine: its whole part is the shots, its fraction is where
in the cycle the machine stands, and everything fast is a function of that fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.node.demo.accumulate import Counter, Thermal, between_borders, running_total, shifted
from lianji.node.demo.noise import Floats, Ints, uniform, wander, white
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
    working,
)


class State(IntEnum):
    OFF = 0
    STANDBY = 1
    CLOSING = 2
    INJECTING = 3
    HOLDING = 4
    COOLING = 5
    OPENING = 6
    ALARM = 7
    MOULD_CHANGE = 8


PHASE_EDGES = np.array([0.0, 0.08, 0.15, 0.35, 0.88, 1.0])
_MOTOR_SHARE = np.array([0.8, 2.6, 1.1, 0.95, 0.7])
"""Power of the hydraulic motor in each phase, against the machine's mean."""
_MOTOR_WORK = np.concatenate(([0.0], np.cumsum(_MOTOR_SHARE * np.diff(PHASE_EDGES))))
_CLAMP = ([0, 0.07, 0.08, 0.85, 0.88, 1], [0.02, 0.1, 1.0, 0.985, 0.05, 0.02])
_PRESSURE = (
    [0, 0.08, 0.1, 0.15, 0.17, 0.35, 0.37, 0.85, 0.88, 1],
    [0.01, 0.01, 0.7, 1.0, 0.55, 0.45, 0.08, 0.1, 0.02, 0.01],
)
_PRODUCTS = (
    ("空调面板 AC-210", "洗衣机旋钮 WK-07", "空调导风板 AC-214"),
    ("精密齿轮 G-18", "继电器座 R-32", "精密齿轮 G-24"),
    ("插座外壳 S-86", "开关面板 K-86", "插座外壳 S-118"),
    ("瓶盖 C-38", "泵头 P-28", "瓶盖 C-45"),
)
_CONTROLS_KW, _IDLE_PUMP_KW = 0.25, 1.6
_HOLD_TEMPERATURE = 150.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What the nameplate and the setting sheet say."""

    name: str
    number: int
    cycle_s: float
    motor_kw: float
    heater_kw: float
    clamp_kn: float
    injection_bar: float
    cushion_mm: float
    barrel_cel: tuple[float, float, float, float]
    mould_cel: float

    def key(self, purpose: int) -> int:
        return 1000 * (self.number + 1) + purpose


MACHINES = (
    Machine("imm-01", 0, 38.0, 17.0, 14.0, 2800, 1150, 6.2, (205, 220, 228, 232), 52),
    Machine("imm-02", 1, 27.0, 13.0, 11.0, 1600, 1320, 4.8, (215, 232, 240, 245), 68),
    Machine("imm-03", 2, 31.0, 14.5, 12.0, 2000, 1080, 5.5, (198, 212, 220, 224), 45),
    Machine("imm-04", 3, 18.0, 10.0, 8.0, 1200, 980, 3.9, (190, 205, 212, 216), 28),
)


def _stops(machine: Machine, slots: Ints) -> NDArray[np.bool_]:
    """Slots in which an alarm holds the machine: up to four short stops a day."""
    day, of_day = slots // SLOTS_A_DAY, slots % SLOTS_A_DAY
    stopped = np.zeros(len(slots), dtype=np.bool_)
    days, which = np.unique(day, return_inverse=True)
    for event in range(4):
        chance = uniform(machine.key(10 + event), days)
        start = (84 + 192 * uniform(machine.key(20 + event), days)).astype(np.int64)
        length = 1 + (4 * uniform(machine.key(30 + event), days) ** 2).astype(np.int64)
        length[chance > 0.6] = 0
        stopped |= (of_day >= start[which]) & (of_day < (start + length)[which])
    return stopped


def _change_of_mould(machine: Machine, slots: Ints) -> tuple[NDArray[np.bool_], Ints]:
    """Slots in which the mould is changed, and which product each slot is for: every third day."""
    day, of_day = slots // SLOTS_A_DAY, slots % SLOTS_A_DAY
    turn, rest = np.divmod(day + machine.number, 3)
    start = 110 + (120 * uniform(machine.key(40), turn)).astype(np.int64)
    end = start + 7 + (6 * uniform(machine.key(41), turn)).astype(np.int64)
    today = rest == 0
    return today & (of_day >= start) & (of_day < end), turn - (today & (of_day < end))


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one machine does in each slot of a span; arrays with the day of lead."""

    powered: NDArray[np.bool_]
    heated: NDArray[np.bool_]
    warming: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    changing: NDArray[np.bool_]
    producing: NDArray[np.bool_]
    product: Ints
    cycle_s: Floats

    @classmethod
    def of(cls, machine: Machine, span: Span) -> Schedule:
        slots = span.slots
        powered = on_working_day(slots)
        heated = powered & between(slots, HEATING_START, SHIFT_END)
        at_work = working(slots) & shifted(working(slots), 1 + machine.number)
        changing, product = _change_of_mould(machine, slots)
        stopped = _stops(machine, slots) & at_work & ~changing
        drift = 0.02 * (2 * uniform(machine.key(50), product) - 1)
        cycle = machine.cycle_s * (1 + drift + 0.006 * white(machine.key(51), slots))
        return cls(
            powered,
            heated,
            heated & ~shifted(heated, 12),
            stopped,
            changing & at_work,
            at_work & ~changing & ~stopped,
            product,
            cycle,
        )


@dataclass(frozen=True, slots=True)
class MachineSpan:
    """One machine over one span: ready to be asked for any of its moments."""

    machine: Machine
    plan: Schedule
    cycles: Counter
    rejects: Counter
    heater_kwh: Counter
    motor_kwh: Floats
    state: Ints
    idle_kw: Floats

    @classmethod
    def of(cls, machine: Machine, span: Span, base: dict[str, float]) -> MachineSpan:
        """``base`` holds the totals at the span's start (see ``totals``)."""
        plan = Schedule.of(machine, span)
        producing, cycle = plan.producing[OWN], plan.cycle_s[OWN]
        cycles = Counter.of(producing / cycle, base["cycles"])
        idle = np.where(plan.heated[OWN], _IDLE_PUMP_KW, 0.0) + np.where(
            plan.powered[OWN], _CONTROLS_KW, 0.05
        )
        idle = np.where(producing, 0.0, idle)
        worked = np.diff(_work(cycles.borders)) * machine.motor_kw * cycle + idle * SLOT_S
        return cls(
            machine,
            plan,
            cycles,
            Counter.of(_reject_rate(machine, plan, span), base["rejects"]),
            Counter.of(_heater_kw(machine, plan) / 3600.0, base["heater"]),
            running_total(base["motor"], worked / 3600.0),
            _resting_state(plan),
            idle,
        )

    def totals(self) -> dict[str, Floats]:
        """Every counter's totals at the borders, (n + 1,) each."""
        return {
            "cycles": self.cycles.borders,
            "rejects": self.rejects.borders,
            "heater": self.heater_kwh.borders,
            "motor": self.motor_kwh,
        }

    def thermals(self, hall_cel: Floats) -> list[Thermal]:
        """Four barrel zones and the mould."""
        machine, plan = self.machine, self.plan
        cold = np.where(plan.powered, _HOLD_TEMPERATURE, hall_cel)
        zones = [
            Thermal(np.where(plan.heated, target, cold), 22 + 4 * zone, 75 + 10 * zone)
            for zone, target in enumerate(machine.barrel_cel)
        ]
        mould = np.where(plan.producing, machine.mould_cel, hall_cel + 2)
        return [*zones, Thermal(mould, 14, 40)]

    def motor_now(self, moments: Moments) -> Floats:
        """Power of the hydraulic motor in kW."""
        phase = self.cycles.at(moments) % 1.0
        share = _MOTOR_SHARE[np.searchsorted(PHASE_EDGES[1:-1], phase, side="right")]
        at_work = self.plan.producing[OWN][moments.index]
        return np.where(at_work, share * self.machine.motor_kw, self.idle_kw[moments.index])

    def motor_total(self, moments: Moments) -> Floats:
        """Energy of the motor in kWh since the epoch: the exact integral of ``motor_now``."""
        at = moments.index
        cycles = self.cycles
        worked = _work(cycles.at(moments)) - _work(cycles.borders[at])
        worked *= self.machine.motor_kw * self.plan.cycle_s[OWN][at]
        return np.asarray(
            self.motor_kwh[at] + (worked + self.idle_kw[at] * moments.into_s) / 3600.0
        )

    def heater_now(self, moments: Moments) -> Floats:
        return np.asarray(self.heater_kwh.rate[moments.index] * 3600.0)

    def signals(self, moments: Moments, heat: list[Floats]) -> dict[str, NDArray[Any]]:
        """Every signal of the machine by its short name; ``heat`` is what ``thermals`` became."""
        machine, at = self.machine, moments.index
        count = self.cycles.at(moments)
        shots = np.floor(count)
        phase = count - shots
        at_work = self.plan.producing[OWN][at]
        shot = shots.astype(np.int64)
        grain = white(machine.key(60), moments.seconds)
        running = np.searchsorted(PHASE_EDGES, phase, side="right") + 1
        clamp = np.interp(phase, *_CLAMP) * machine.clamp_kn * (1 + 0.004 * grain)
        pressure = np.interp(phase, *_PRESSURE) * machine.injection_bar
        power = self.motor_now(moments) + self.heater_now(moments)
        return {
            "state": np.where(at_work, running, self.state[at]).astype(np.float64),
            "cycle_time": self.plan.cycle_s[OWN][at] * (1 + 0.002 * white(machine.key(61), shot)),
            "shots": shots,
            "rejects": np.floor(self.rejects.at(moments) + 1e-6),
            "clamp_force": np.where(at_work, clamp, 0.0),
            "injection_pressure": np.where(at_work, pressure * (1 + 0.006 * grain), 0.0),
            "melt_cushion": machine.cushion_mm * (1 + 0.02 * white(machine.key(62), shot)),
            "power": np.maximum(0.0, power * (1 + 0.01 * grain)),
            "mould_temperature": between_borders(heat[4], moments)
            + 0.25 * wander(machine.key(63), moments.time_s, 240.0),
            **{
                f"barrel_{zone + 1}_temperature": self._barrel(zone, heat, moments)
                for zone in range(4)
            },
            "product": np.array(_PRODUCTS[machine.number])[self.plan.product[OWN][at] % 3],
        }

    def _barrel(self, zone: int, heat: list[Floats], moments: Moments) -> Floats:
        """The slow temperature, the two-point controller's ripple and the sensor's own noise."""
        controlled = self.plan.heated[OWN][moments.index]
        ripple = 0.6 * np.sin(moments.time_s * (2 * np.pi / (95.0 + 12 * zone)) + zone)
        noise = 0.12 * white(self.machine.key(70 + zone), moments.seconds)
        return np.asarray(between_borders(heat[zone], moments) + controlled * ripple + noise)


def _work(cycles: Floats) -> Floats:
    """Work of the motor since the epoch, in mean power times cycle times."""
    whole = np.floor(cycles)
    return np.asarray(whole * _MOTOR_WORK[-1] + np.interp(cycles - whole, PHASE_EDGES, _MOTOR_WORK))


def _heater_kw(machine: Machine, plan: Schedule) -> Floats:
    held = np.where(plan.powered, 0.15, 0.0)
    share = np.where(plan.warming, 0.9, np.where(plan.heated, 0.36, held))
    return np.asarray(machine.heater_kw * share[OWN])


def _resting_state(plan: Schedule) -> Ints:
    state = np.where(plan.powered, State.STANDBY, State.OFF)
    state = np.where(plan.stopped, State.ALARM, state)
    return np.asarray(np.where(plan.changing, State.MOULD_CHANGE, state)[OWN])


def _reject_rate(machine: Machine, plan: Schedule, span: Span) -> Floats:
    """Rejects a second, whole parts a slot: a few at random, more when a machine starts again."""
    restarted = plan.producing & ~shifted(plan.producing, 1)
    chance = uniform(machine.key(52), span.slots)
    parts = np.where(chance < 0.12, 1.0, 0.0) + np.where(restarted, 3.0, 0.0)
    return np.asarray(np.where(plan.producing, parts, 0.0)[OWN] / SLOT_S)
