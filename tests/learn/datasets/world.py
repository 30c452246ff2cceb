"""A plant's folder with samples of a generator, which tests spoil in known ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.batch import Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.history.settings import HistorySettings
from lianji.learn.datasets.making import Made
from lianji.learn.datasets.report.finding import Report
from lianji.node.configuration import load_tags
from lianji.node.datasets import PlantDataSets
from lianji.node.folder import PlantFolder
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z
MINUTE_US = 60_000_000
MINUTES = 6 * 1440
SPEC = """
start = 2026-01-01T00:00:00Z
end = 2026-01-07T00:00:00Z
step = "1min"
"""
SPLIT = "[split]\ntrain = 0.5\nvalidation = 0.25\ntest = 0.25\n"
TAGS = """path,unit,kind,low,high
plant/temperature,Cel,linear,0,200
plant/flow,m3/h,linear,,
plant/state,,step,,
plant/yield,%,linear,,
"""


class World:
    """One plant that does not run."""

    def __init__(self, root: Path) -> None:
        self.folder = PlantFolder(root)
        self.folder.create("plant", 0)
        self.folder.datasets.mkdir()
        (self.folder.tags / "all.csv").write_text(TAGS)
        self.sets = PlantDataSets(self.folder)

    @contextmanager
    def running(self) -> Iterator[tuple[TagIds, Spool, Historian]]:
        """The rooms of the plant, open as while it runs."""
        names = TagIds.open(self.folder.tag_ids)
        quick = SpoolSettings.model_validate({"commit_ms": 0})
        spool = Spool(self.folder.spool, quick, names.path_of)
        is_linear = load_tags(self.folder).is_linear
        settings = HistorySettings(flush_s=3600)
        historian = Historian(self.folder.history, "plant", spool, names, is_linear, settings)
        try:
            yield names, spool, historian
        finally:
            spool.close()

    def put(
        self,
        path: str,
        times_us: Any,
        values: Any,
        quality: Any = 0,
        texts: Sequence[str | None] | None = None,
        flush: bool = True,
    ) -> None:
        """Samples, durable when this returns; in the table too if ``flush``."""
        with self.running() as (names, spool, historian):
            append(names, spool, path, times_us, values, quality, texts)
            if flush:
                historian.close()

    def spec(self, name: str, text: str) -> None:
        (self.folder.datasets / f"{name}.toml").write_text(text)

    def make(self, name: str) -> Made:
        return self.sets.make(name)

    def report(self, name: str) -> Report:
        return self.sets.found(name)[1]

    def versions(self, name: str) -> list[str]:
        """All that lies in a data set's folder but its lock."""
        found = (self.folder.data / "datasets" / name).iterdir()
        return sorted(one.name for one in found if one.name != ".lock")


def append(
    names: TagIds,
    spool: Spool,
    path: str,
    times_us: Any,
    values: Any,
    quality: Any = 0,
    texts: Sequence[str | None] | None = None,
) -> None:
    """Samples of one tag into the spool, durable when this returns."""
    [tag] = names.ids_of([path])
    numbers = np.asarray(values, np.float64)
    batch = Batch.of([tag] * len(numbers), np.asarray(times_us), numbers, quality, texts)
    spool.put(batch).result(30)


def minutes(count: int = MINUTES, first: int = 0) -> NDArray[np.int64]:
    return START_US + (first + np.arange(count)) * MINUTE_US


def signals(seed: int = 3) -> dict[str, NDArray[np.float64]]:
    """A plant without a fault: a day's wave, a free flow, a state, a yield that comes of them."""
    random = np.random.default_rng(seed)
    row = np.arange(MINUTES)
    wave = np.sin(2 * np.pi * row / 1440)
    temperature = 80 + 5 * wave + random.normal(0, 1, MINUTES)
    flow = 12 + random.normal(0, 2, MINUTES)
    state = (row // 240 % 3).astype(np.float64)
    product = 90 + 0.4 * (temperature - 80) + 0.5 * (flow - 12) + random.normal(0, 1, MINUTES)
    return {
        "plant/temperature": temperature,
        "plant/flow": flow,
        "plant/state": state,
        "plant/yield": product,
    }
