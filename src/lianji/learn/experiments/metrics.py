"""Metrics by step: ``metrics.jsonl``, one line a call, only ever appended to.

A line is ``{"t": microseconds, "s": step or null, "m": {name: value}}``; NaN and infinities are
the texts "nan", "inf" and "-inf". A torn last line, as a kill leaves it, is not believed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianji.learn.experiments.record import Summary

FILE = "metrics.jsonl"
NO_STEP = -1


@dataclass(frozen=True, slots=True)
class Line:
    time_us: int
    step: int | None
    values: dict[str, float]


@dataclass(slots=True)
class Series:
    """A metric by step: what came last for a step holds, as an attempt that is taken up again
    goes some of its steps once more."""

    steps: NDArray[np.int64]
    """Rising; [n]."""
    values: NDArray[np.float64]
    times_us: NDArray[np.int64]


@dataclass(slots=True)
class _Points:
    by_step: dict[int, tuple[float, int]] = field(default_factory=dict)
    is_stepless: bool = True

    def add(self, step: int | None, value: float, time_us: int) -> None:
        self.is_stepless &= step is None
        self.by_step[len(self.by_step) if step is None else step] = (value, time_us)


def line_of(time_us: int, step: int | None, values: Mapping[str, float]) -> bytes:
    plain = {name: _told(value) for name, value in values.items()}
    line = {"t": time_us, "s": step, "m": plain}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def mend(path: Path) -> None:
    """Cut a torn last line off, before more is appended. Raises OSError."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        while size > 0:
            at = max(0, size - 4096)
            file.seek(at)
            end = file.read(size - at).rfind(b"\n")
            if end >= 0:
                size = at + end + 1
                break
            size = at
        file.truncate(size)


def read_lines(path: Path) -> Iterator[Line]:
    """In the order of their arrival. A line that makes no sense is passed over. Raises OSError."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            try:
                told = json.loads(raw)
                values = {str(name): float(value) for name, value in told["m"].items()}
                step = told["s"]
                yield Line(int(told["t"]), None if step is None else int(step), values)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue


def series_of(lines: Iterable[Line], wanted: str | None = None) -> dict[str, Series]:
    """Each metric, or the one wanted, by step; without steps they are counted from 0."""
    return {name: _series(points) for name, points in _points(lines, wanted).items()}


def summaries_of(lines: Iterable[Line]) -> dict[str, Summary]:
    found = {}
    for name, points in _points(lines).items():
        series = _series(points)
        finite = series.values[np.isfinite(series.values)]
        found[name] = Summary(
            last=float(series.values[-1]),
            step=None if points.is_stepless else int(series.steps[-1]),
            low=float(finite.min()) if len(finite) else math.nan,
            high=float(finite.max()) if len(finite) else math.nan,
            count=len(series.values),
        )
    return found


def _points(lines: Iterable[Line], wanted: str | None = None) -> dict[str, _Points]:
    found: dict[str, _Points] = {}
    for line in lines:
        for name, value in line.values.items():
            if wanted is None or name == wanted:
                found.setdefault(name, _Points()).add(line.step, value, line.time_us)
    return found


def _series(points: _Points) -> Series:
    steps = sorted(points.by_step)
    rows = [points.by_step[step] for step in steps]
    return Series(
        np.array(steps, np.int64),
        np.array([value for value, _ in rows], np.float64),
        np.array([time_us for _, time_us in rows], np.int64),
    )


def _told(value: float) -> float | str:
    value = float(value)
    return value if math.isfinite(value) else str(value)


def thinned(values: NDArray[np.float64], points_max: int) -> NDArray[np.intp]:
    """Places of about so many values at most that look the same when drawn: of each stretch its
    lowest and its highest, and one that is no number where there is any."""
    places = np.arange(len(values))
    if len(values) <= points_max:
        return places
    kept = [0, len(values) - 1]
    for stretch in np.array_split(places, points_max // 3):
        part = values[stretch]
        bad = np.flatnonzero(~np.isfinite(part))
        if len(bad) < len(part):
            kept += [stretch[np.nanargmin(part)], stretch[np.nanargmax(part)]]
        kept += [stretch[place] for place in bad[:1]]
    return np.unique(np.array(kept))
