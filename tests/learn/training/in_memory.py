"""A version of a data set in memory, and a training of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianji.dictionary.moments import parse_moment, parse_span
from lianji.learn.datasets.manifest import FrozenColumn, Manifest, Source
from lianji.learn.datasets.spec import DataSetSpec
from lianji.learn.training.frozen import Frozen, Rows
from lianji.learn.training.spec import TrainingSpec
from lianji.learn.training.work import Work

START = "2026-01-05T00:00:00Z"
"""A Monday."""


def frozen_of(
    values: dict[str, NDArray[np.float64]],
    step: str,
    test_from: int,
    target: str = "",
    start: str = START,
) -> Frozen:
    """Columns by their tags; the rows from ``test_from`` on are the test part."""
    rows = len(next(iter(values.values())))
    times_us = parse_moment(start, 0) + np.arange(rows) * parse_span(step)
    end = datetime.fromisoformat(start) + timedelta(microseconds=rows * parse_span(step))
    spec = DataSetSpec(start=start, end=end.isoformat(), step=step, tags=["plant/*"], target=target)
    columns = [
        FrozenColumn(name=tag, tag=tag, aggregate="average", unit="1", tag_unit="1", kind="linear")
        for tag in values
    ]
    source = Source(site="plant", table_version=1, behind_table=0, samples=rows)
    manifest = Manifest(
        name="made", version=1, created_us=0, lianji="", spec=spec, source=source,
        columns=columns, rows=rows, files=[], beside={}, hash="0",
    )  # fmt: skip
    parts = {"train": slice(0, test_from), "test": slice(test_from, rows)}
    return Frozen(
        manifest,
        {
            name: Rows(times_us[part], {tag: column[part] for tag, column in values.items()})
            for name, part in parts.items()
            if len(times_us[part])
        },
    )


def work_of(spec: TrainingSpec, frozen: Frozen, folder: Path) -> Work:
    return Work("model", spec, frozen, folder, now_us=lambda: parse_moment(START, 0))
