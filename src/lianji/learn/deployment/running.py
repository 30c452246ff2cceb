"""One version that runs: rows out of the newest samples, outputs, what late labels teach it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import LianjiError
from lianji.dictionary.quality import SEVERITY_MASK, Quality, is_bad
from lianji.learn.deployment.outcome import Out, given, paths_of, quality_of
from lianji.learn.deployment.source import Newest
from lianji.learn.deployment.stages import Stage
from lianji.learn.deployment.tracking import Tracker
from lianji.learn.deployment.watching import Alarm, Watch
from lianji.learn.deployment.windows import US, Series, column, stale_us
from lianji.learn.models.card import Card
from lianji.learn.models.inference import Model


@dataclass(slots=True)
class Last:
    """The newest run, for people."""

    time_us: int = 0
    row: NDArray[np.float64] | None = None
    values: tuple[float, ...] = ()
    raw: tuple[float, ...] = ()
    quality: int = int(Quality.BAD_NO_DATA)
    said: str = "waiting"
    """``ran``, ``missing``, ``gate``, or ``waiting`` before the first."""


class Plan:
    """A card as arrays: where in the newest samples each input and gate is."""

    def __init__(self, card: Card) -> None:
        self.low = np.array([one.low for one in card.inputs])
        self.high = np.array([one.high for one in card.inputs])
        self.required = np.array([one.required for one in card.inputs])
        self.stale = stale_us(card.period_s)
        windowed = [i for i, one in enumerate(card.inputs) if one.aggregate != "last" or one.lag_s]
        self.windowed = windowed
        self.window_tags = sorted({card.inputs[i].tag for i in windowed})
        self.span_us = max(
            (int((card.inputs[i].window_s + card.inputs[i].lag_s) * US) for i in windowed),
            default=0,
        ) + (self.stale if windowed else 0)
        labels = [one.label for one in card.outputs if one.label]
        gates = [one.tag for one in card.gate]
        self.tags = [*dict.fromkeys([*(i.tag for i in card.inputs), *gates, *labels])]
        self.place_in(Newest(self.tags), card)

    def place_in(self, newest: Newest, card: Card) -> None:
        """From now on ``newest`` is what is asked."""
        place = newest.place
        self.inputs = np.array([place[one.tag] for one in card.inputs], np.intp)
        self.gates = [(place[one.tag], one.low, one.high) for one in card.gate]
        self.labels = {
            number: place[one.label] for number, one in enumerate(card.outputs) if one.label
        }


class RunningModel:
    """Not safe for several threads at once."""

    def __init__(self, card: Card, model: Model, site: str, stage: Stage, alone: bool) -> None:
        self.card, self.site = card, site
        self._model = model
        self.plan = Plan(card)
        self.period_us = int(card.period_s * US)
        self.next_us = self.labels_next_us = 0
        self.trackers = [Tracker(card, output) for output in card.outputs]
        self.watch = Watch(card.drift)
        self.last = Last()
        self.runs = self.runs_without = 0
        self.problem: LianjiError | None = None
        self.become(stage, alone)
        self.changed = False
        """Whether something was learnt since it was saved."""

    @property
    def name(self) -> str:
        return f"{self.card.name}@{self.card.version}"

    def become(self, stage: Stage, alone: bool) -> None:
        """Go to another stage. ``alone``: no other version of the model is active."""
        self.stage, self.alone = stage, alone
        self.paths = [
            paths_of(self.card, one, self.site, stage, alone) for one in self.card.outputs
        ]
        self.changed = True

    def run(self, tick_us: int, newest: Newest, windows: Mapping[str, Series], out: Out) -> None:
        """One run at ``tick_us``. Raises InputError where the graph fails."""
        plan = self.plan
        row, missing, uncertain = self._row(tick_us, newest, windows)
        self.runs += 1
        if not self._gate_open(newest, tick_us):
            self.last = Last(tick_us, row, said="gate")
            return
        if missing:
            self.runs_without += 1
            self.last = Last(tick_us, row, said="missing")
            for paths in self.paths:
                out.add(paths, [float("nan")] * len(paths), int(Quality.BAD_NO_DATA))
            return
        outside = bool(np.any((row < plan.low) | (row > plan.high)))
        started = time.perf_counter()
        raws = self._model.run(row.astype(np.float32)[None])[0].tolist()
        self.watch.run(outside, (time.perf_counter() - started) * 1e3)
        self._give(tick_us, row, raws, quality_of(self.stage, outside, uncertain), out)

    def _give(
        self, tick_us: int, row: NDArray[np.float64], raws: list[float], quality: int, out: Out
    ) -> None:
        found = []
        for output, tracker, paths, raw in zip(
            self.card.outputs, self.trackers, self.paths, raws, strict=True
        ):
            value = tracker.corrected(row, raw)
            tracker.remember(tick_us, row, raw, value)
            values, said = given(output, value, tracker.half, quality)
            out.add(paths, values, said)
            found.append(values[0])
        self.last = Last(tick_us, row, tuple(found), tuple(raws), quality, "ran")

    def _row(
        self, tick_us: int, newest: Newest, windows: Mapping[str, Series]
    ) -> tuple[NDArray[np.float64], bool, bool]:
        """Values by ``Card.inputs`` (NaN: missing), whether a required one is missing, and whether
        one is uncertain."""
        plan = self.plan
        place = plan.inputs
        quality = newest.quality[place]
        # subtracting from NEVER would run over
        old = newest.times_us[place] < tick_us - plan.stale
        row = np.where(is_bad(quality) | old, np.nan, newest.values[place])
        for number in plan.windowed:
            one = self.card.inputs[number]
            ends = np.array([tick_us], np.int64)
            row[number] = column(windows[one.tag], one, ends, plan.stale)[0]
        gone = ~np.isfinite(row)
        uncertain = bool(np.any((quality & SEVERITY_MASK) == Quality.UNCERTAIN))
        return row, bool(np.any(gone & plan.required)), uncertain

    def _gate_open(self, newest: Newest, tick_us: int) -> bool:
        for place, low, high in self.plan.gates:
            value = newest.values[place]
            if is_bad(newest.quality[place]) or newest.times_us[place] < tick_us - self.plan.stale:
                return False
            if not np.isfinite(value):
                return False
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        return True

    def label(self, output: int, time_us: int, truth: float) -> bool:
        """A truth that came late; whether it belonged to a run."""
        residuals = self.trackers[output].label(time_us, truth)
        self.changed = True
        if residuals is None:
            return False
        self.watch.label(*residuals)
        return True

    def look(self, now_us: int, labels_too: bool) -> list[Alarm]:
        return self.watch.look(now_us, labels_too)
