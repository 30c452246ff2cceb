"""A watch over alarms of a few tags, and a clock that a test turns by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from lianji.act.alarms.alarm import expand
from lianji.act.alarms.conditions import NEVER, Snapshot
from lianji.act.alarms.definition import AlarmDefinition
from lianji.act.alarms.states import AlarmState
from lianji.act.alarms.watch import Change, Watch
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag

T = "p/a/m1/t"
START_US = 1_800_000_000_000_000


class Watching:
    """``tell`` gives a tag a sample, ``after`` lets time pass and looks."""

    def __init__(self, *rows: dict[str, Any], tags: tuple[Tag, ...] = ()) -> None:
        paths = [tag.path for tag in tags] or [T]
        definitions = [AlarmDefinition.model_validate(row) for row in rows]
        expanded = expand(definitions, paths, {tag.path: tag for tag in tags})
        self.watch = Watch(expanded.alarms, {})
        self.now_us = START_US
        self.steady_s = 1000.0
        self._samples: dict[str, tuple[int, float, int, str | None]] = {}

    def begin_anew(self) -> None:
        """As a restart does: how each alarm stands is known, and nothing else."""
        old = self.watch
        standings = {alarm.id: old.standings[n] for n, alarm in enumerate(old.alarms)}
        self.watch = Watch(old.alarms, standings)

    def tell(
        self, value: float, tag: str = T, quality: int = Quality.GOOD, text: str | None = None
    ) -> Watching:
        self._samples[tag] = (self.now_us, value, quality, text)
        return self

    def after(self, seconds: float) -> list[Change]:
        self.now_us += int(seconds * 1e6)
        self.steady_s += seconds
        return self.look()

    def look(self) -> list[Change]:
        return self.watch.step(self._snapshot(), self.now_us, self.steady_s)

    def _snapshot(self) -> Snapshot:
        rows = [self._samples.get(tag) for tag in self.watch.conditions.tags]
        bad = Quality.BAD_WAITING_FOR_INITIAL_DATA
        return Snapshot(
            np.array([row[0] if row else NEVER for row in rows], np.int64),
            np.array([row[1] if row else np.nan for row in rows], np.float64),
            np.array([row[2] if row else bad for row in rows], np.uint16),
            {place: row[3] for place, row in enumerate(rows) if row and row[3] is not None},
        )

    @property
    def state(self) -> AlarmState:
        """Of the only alarm."""
        [standing] = self.watch.standings
        return standing.state

    @property
    def active(self) -> bool:
        [standing] = self.watch.standings
        return standing.active
