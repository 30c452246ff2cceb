"""Two screw compressors on one header: one leads, the other helps when one is not enough.

The pressure climbs while a compressor loads and falls while the plant (and its leak) drinks: the
saw-tooth of every workshop. A slot holds a whole number of teeth, so each begins at the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianji.node.demo.accumulate import Counter, Thermal, between_borders, running_total
from lianji.node.demo.noise import Floats, Ints, uniform, white
from lianji.node.demo.shift_calendar import OWN, SLOT_S, SLOTS_A_DAY, Moments, Span, weekly

COMPRESSORS = ("compressor-1", "compressor-2")
LOADED_KW, UNLOADED_KW, STOPPED_KW = 37.2, 12.4, 0.06
LOADED_KVAR, UNLOADED_KVAR = 22.0, 15.5
BOTTOM_BAR, TOP_BAR = 6.6, 7.6
_FILL_S = 20.0
"""Seconds in which a compressor raises the header from bottom to top when nobody draws air."""
_ONE_MACHINE, _TOOLS = 0.235, 0.05
_LEAK_DAYS = 41


def demand(slots: Ints, producing: Floats, working: Floats) -> Floats:
    """Air drawn in each slot, in capacities of one compressor; the leak grows until repaired."""
    leak = 0.12 + 0.07 * (slots / SLOTS_A_DAY % _LEAK_DAYS) / _LEAK_DAYS
    return np.asarray(
        leak + _ONE_MACHINE * producing + _TOOLS * working + 0.02 * uniform(100, slots)
    )


@dataclass(frozen=True, slots=True)
class AirSpan:
    """Both compressors over one span; ``duty`` (2, n) is the loaded share of each slot."""

    duty: Floats
    running: Floats
    teeth: Floats
    swing: Floats
    run_s: tuple[Counter, Counter]
    load_s: tuple[Floats, Floats]
    oil_target: tuple[Floats, Floats]

    @classmethod
    def of(cls, span: Span, drawn: Floats, hall: Floats, base: dict[str, float]) -> AirSpan:
        """``drawn`` and the ``hall``'s temperature come with the day of lead."""
        helping = drawn > 0.97
        lead = np.where(helping, 1.0, np.minimum(drawn, 0.95))
        lag = np.where(helping, np.clip(drawn - 1.0, 0.06, 0.9), 0.0)
        second_leads = weekly(span.slots) % 2 == 1
        duty = np.stack([np.where(second_leads, lag, lead), np.where(second_leads, lead, lag)])
        running = (duty > 0).astype(np.float64)
        swing = np.where(helping, lag, lead)[OWN]
        period = _FILL_S / (swing * (1.0 - swing))
        own = duty[:, OWN]
        oil = np.where(running > 0, 58.0 + 24.0 * duty + 0.35 * (hall - 22.0), hall + 4.0)
        return cls(
            own,
            running[:, OWN],
            np.maximum(1.0, np.round(SLOT_S / period)),
            swing,
            (
                Counter.of(running[0, OWN], base["run_1"]),
                Counter.of(running[1, OWN], base["run_2"]),
            ),
            (
                running_total(base["load_1"], own[0] * SLOT_S),
                running_total(base["load_2"], own[1] * SLOT_S),
            ),
            (oil[0], oil[1]),
        )

    def totals(self) -> dict[str, Floats]:
        return {
            "run_1": self.run_s[0].borders,
            "run_2": self.run_s[1].borders,
            "load_1": self.load_s[0],
            "load_2": self.load_s[1],
        }

    def thermals(self) -> list[Thermal]:
        return [Thermal(target, 12, 35) for target in self.oil_target]

    def _tooth(self, moments: Moments) -> tuple[Floats, Floats]:
        """How many teeth of the slot are done, and how far the present one is, in [0, 1)."""
        teeth = self.teeth[moments.index] * (moments.into_s / SLOT_S)
        whole = np.floor(teeth)
        return whole, teeth - whole

    def loaded_now(self, number: int, moments: Moments) -> Floats:
        """1 while the compressor loads, else 0."""
        _, part = self._tooth(moments)
        return np.where(part < self.duty[number][moments.index], 1.0, 0.0)

    def loaded_total_s(self, number: int, moments: Moments) -> Floats:
        """Loaded seconds since the epoch: the exact integral of ``loaded_now``."""
        at = moments.index
        whole, part = self._tooth(moments)
        duty = self.duty[number][at]
        teeth = whole * duty + np.minimum(part, duty)
        return np.asarray(self.load_s[number][at] + teeth * (SLOT_S / self.teeth[at]))

    def power_now(self, number: int, moments: Moments) -> Floats:
        loaded, running = self.loaded_now(number, moments), self.running[number][moments.index]
        return np.asarray(
            LOADED_KW * loaded + UNLOADED_KW * (running - loaded) + STOPPED_KW * (1 - running)
        )

    def energy_kwh(self, number: int, moments: Moments) -> Floats:
        loaded = self.loaded_total_s(number, moments)
        run = self.run_s[number].at(moments)
        stopped = moments.time_s - run
        joules = LOADED_KW * loaded + UNLOADED_KW * (run - loaded) + STOPPED_KW * stopped
        return np.asarray(joules / 3600.0)

    def kvar_now(self, number: int, moments: Moments) -> Floats:
        loaded, running = self.loaded_now(number, moments), self.running[number][moments.index]
        return np.asarray(LOADED_KVAR * loaded + UNLOADED_KVAR * (running - loaded))

    def kvarh(self, number: int, moments: Moments) -> Floats:
        loaded, run = self.loaded_total_s(number, moments), self.run_s[number].at(moments)
        return np.asarray((LOADED_KVAR * loaded + UNLOADED_KVAR * (run - loaded)) / 3600.0)

    def header_bar(self, moments: Moments) -> Floats:
        _, part = self._tooth(moments)
        duty = self.swing[moments.index]
        height = np.where(part < duty, part / duty, (1.0 - part) / (1.0 - duty))
        return np.asarray(BOTTOM_BAR + (TOP_BAR - BOTTOM_BAR) * height)

    def signals(self, number: int, moments: Moments, oil: Floats) -> dict[str, Floats]:
        """Every signal of one compressor by its short name."""
        loaded, running = self.loaded_now(number, moments), self.running[number][moments.index]
        noise = white(110 + number, moments.seconds)
        return {
            "state": running + loaded,
            "pressure": self.header_bar(moments) + 0.07 * loaded + 0.01 * noise,
            "power": np.maximum(0.0, self.power_now(number, moments) * (1 + 0.008 * noise)),
            "oil_temperature": between_borders(oil, moments) + 0.15 * noise,
            "running_hours": 18_000.0 + 900.0 * number + self.run_s[number].at(moments) / 3600.0,
            "loaded_hours": 9_400.0
            + 350.0 * number
            + self.loaded_total_s(number, moments) / 3600.0,
        }
