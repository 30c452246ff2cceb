"""All models of a plant, each at its period, driven by a clock that is given.

``step`` takes the newest samples of all tags that are due in one question, computes, and gives back
the samples to be stored. Runs fall on multiples of the period; what was slept through is not made
up for. The cost of a step is that of one question and of each model's graph: no loop over inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import LianjiError
from lianji.dictionary.quality import Quality
from lianji.learn.deployment.admission import check_time
from lianji.learn.deployment.outcome import Out
from lianji.learn.deployment.running import Last, RunningModel
from lianji.learn.deployment.source import Heard, Newest, Samples, series_of
from lianji.learn.deployment.watching import Alarm
from lianji.learn.deployment.windows import US, Series

LABELS_EACH_US = 5 * US
LOOK_EACH = 8
"""Runs between two looks at the envelope and the latency."""


@dataclass(slots=True)
class Stepped:
    """What a step gave: samples in columns as ``Plant.append`` takes them, and what happened."""

    paths: list[str] = field(default_factory=list)
    times_us: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    quality: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    alarms: list[tuple[RunningModel, Alarm]] = field(default_factory=list)
    stopped: list[RunningModel] = field(default_factory=list)
    """Those that will not run any more; ``RunningModel.problem`` says why."""


class Runtime:
    """Not safe for several threads at once."""

    def __init__(self, samples: Samples, heard: Heard) -> None:
        self._samples, self._heard = samples, heard
        self.models: dict[str, RunningModel] = {}
        self._windows: dict[str, Series] = {}
        self._read_us: dict[str, int] = {}
        self._groups: dict[int, Newest] = {}
        """By period in microseconds: models of one period are due together."""

    def next_us(self) -> int | None:
        """When there is something to do; None for nothing."""
        return min((one.next_us for one in self.models.values()), default=None)

    def put(self, model: RunningModel) -> None:
        self.models[model.name] = model
        for tag in model.plan.window_tags:
            self._read_us.pop(tag, None)  # it may look back further than the others did
            self._windows.pop(tag, None)
        self._grouped()

    def drop(self, name: str) -> RunningModel | None:
        gone = self.models.pop(name, None)
        self._grouped()
        return gone

    def _grouped(self) -> None:
        by_period: dict[int, list[RunningModel]] = {}
        for one in self.models.values():
            by_period.setdefault(one.period_us, []).append(one)
        self._groups = {}
        for period, models in by_period.items():
            newest = Newest([*dict.fromkeys(tag for one in models for tag in one.plan.tags)])
            self._groups[period] = newest
            for one in models:
                one.plan.place_in(newest, one.card)

    def step(self, now_us: int) -> Stepped:
        """Raises what the history raises; then nothing was done."""
        stepped = Stepped()
        due = [one for one in self.models.values() if _is_due(one, now_us)]
        late = [
            one
            for one in self.models.values()
            if one.plan.labels and (_is_due(one, now_us) or one.labels_next_us <= now_us)
        ]
        if not due and not late:
            return stepped
        for period in {one.period_us for one in (*due, *late)}:
            self._groups[period].refresh(self._samples, self._heard)
        for one in late:
            taken = self._labels(one, now_us)
            if taken:
                stepped.alarms += [(one, alarm) for alarm in one.look(now_us, True)]
        self._read_windows(due, now_us)
        outs: list[tuple[int, Out]] = []
        for one in due:
            tick = now_us - now_us % one.period_us
            one.next_us = tick + one.period_us
            outs.append((tick, self._run(one, tick, now_us, stepped)))
        _gather(stepped, outs)
        return stepped

    def _run(self, one: RunningModel, tick: int, now_us: int, stepped: Stepped) -> Out:
        out = Out()
        try:
            check_time(one.card, now_us)
            one.run(tick, self._groups[one.period_us], self._windows, out)
        except LianjiError as error:
            one.problem = error
            one.last = Last(tick, said="stopped")
            stepped.stopped.append(one)
            out = Out()
            for paths in one.paths:
                out.add(paths, [float("nan")] * len(paths), int(Quality.BAD_OUT_OF_SERVICE))
        if one.runs % LOOK_EACH == 0:
            stepped.alarms += [(one, alarm) for alarm in one.look(now_us, False)]
        return out

    def _labels(self, one: RunningModel, now_us: int) -> int:
        """Take the labels that came since; how many belonged to a run."""
        one.labels_next_us = now_us + LABELS_EACH_US
        taken = 0
        for number, place in one.plan.labels.items():
            tracker = one.trackers[number]
            start = tracker.waits_from_us
            newest = int(self._groups[one.period_us].times_us[place])
            if start is None or newest < (start := max(start, tracker.seen_us + 1)):
                continue
            path = one.card.outputs[number].label
            found = series_of(self._samples, self._heard, [path], start, newest + 1)[path]
            for time_us, truth in zip(found.times_us.tolist(), found.values.tolist(), strict=True):
                taken += one.label(number, time_us, truth)
        return taken

    def _read_windows(self, due: Iterable[RunningModel], now_us: int) -> None:
        """What the tags with windows said since they were last read."""
        spans: dict[str, int] = {}
        for one in due:
            for tag in one.plan.window_tags:
                spans[tag] = max(spans.get(tag, 0), one.plan.span_us)
        if not spans:
            return
        since = {tag: self._read_us.get(tag, now_us - span) for tag, span in spans.items()}
        found = series_of(self._samples, self._heard, [*spans], min(since.values()), now_us + 1)
        for tag, more in found.items():
            old = self._windows.get(tag, Series(more.times_us[:0], more.values[:0]))
            kept = max(spans[tag], self._span_of(tag))
            self._windows[tag] = _joined(old, more, now_us - kept)
            self._read_us[tag] = now_us + 1

    def _span_of(self, tag: str) -> int:
        spans = (m.plan.span_us for m in self.models.values() if tag in m.plan.window_tags)
        return max(spans, default=0)


def _is_due(one: RunningModel, now_us: int) -> bool:
    """Also where the clock was set back, so that no model waits for an hour that was."""
    return one.next_us <= now_us or one.next_us - now_us > one.period_us


def _joined(old: Series, more: Series, from_us: int) -> Series:
    """In order of time, without what is older or there already."""
    newest = old.times_us[-1] if len(old.times_us) else np.iinfo(np.int64).min
    new = more.times_us > newest
    if not new.any() and (not len(old.times_us) or old.times_us[0] >= from_us):
        return old
    times = np.concatenate([old.times_us, more.times_us[new]])
    values = np.concatenate([old.values, more.values[new]])
    kept = times >= from_us
    return Series(times[kept], values[kept])


def _gather(stepped: Stepped, outs: list[tuple[int, Out]]) -> None:
    values: list[float] = []
    quality: list[int] = []
    times: list[int] = []
    for tick, out in outs:
        stepped.paths += out.paths
        values += out.values
        quality += out.quality
        times += [tick] * len(out.paths)
    stepped.times_us = np.array(times, np.int64)
    stepped.values = np.array(values, np.float64)
    stepped.quality = np.array(quality, np.uint16)
