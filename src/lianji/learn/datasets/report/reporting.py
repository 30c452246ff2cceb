"""The report of a version, out of its own files: one column is held at a time, and the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lianji.base.durable import write_atomically
from lianji.history.aggregates.names import aggregate_named
from lianji.history.digest import DAY_US
from lianji.history.history import History
from lianji.learn.datasets.columns import QUALITY, target_of
from lianji.learn.datasets.manifest import FrozenColumn, Manifest
from lianji.learn.datasets.report import drift, figures
from lianji.learn.datasets.report.figures import Run, Values
from lianji.learn.datasets.report.finding import (
    SEVERITIES,
    ColumnReport,
    Drift,
    Finding,
    Report,
)
from lianji.learn.datasets.report.judging import judged, leaking
from lianji.learn.datasets.report.kept import REPORT
from lianji.learn.datasets.report.leakage import lags
from lianji.learn.datasets.writing import SAMPLES, Days, read_digest

ROWS_MAX = 5_000_000
"""Of samples as they are, so many of each tag and part are looked at."""
_LIKE_THE_TAG = frozenset({
    "", "interpolative", "average", "time_average", "time_average2", "minimum", "maximum",
    "minimum2", "maximum2", "start", "end", "start_bound", "end_bound",
})  # fmt: skip
_WINDOW_US = 92 * DAY_US
_FIELDS = ("time_us", "value", "quality", "part")


def write_report(folder: Path, manifest: Manifest, history: History) -> Report:
    """Work it out and write it durably. Raises OSError, ArrowException, StorageError."""
    report = _Reporting(folder, manifest, history).report()
    write_atomically(folder / REPORT, report.model_dump_json(indent=1).encode())
    return report


class _Reporting:
    def __init__(self, folder: Path, manifest: Manifest, history: History) -> None:
        self._folder, self._manifest, self._history = folder, manifest, history
        self._is_raw = manifest.spec.kind == "raw"
        self._days = read_digest(folder, SAMPLES)
        self._replaced = _replaced(history, manifest, self._days)

    def report(self) -> Report:
        target = target_of(self._manifest.spec, self._manifest.columns)
        told = self._values(target).value if target is not None else None
        columns: list[ColumnReport] = []
        findings: list[Finding] = []
        for one in self._manifest.columns:
            values = self._values(one)
            run = figures.longest_run(values.value)
            column = self._column(one, values, run)
            if told is not None and one != target:
                column.lag = lags(values.value, told)
            columns.append(column)
            inputs = self._history.inputs(one.tag)
            samples = sum(n for tag in inputs for n, _ in self._days.get(tag, {}).values())
            findings += [*judged(column, run, one.kind == "step", samples), *leaking(column)]
            del values  # before the next one comes
        findings.sort(key=lambda one: SEVERITIES.index(one.severity))
        return Report(columns=columns, findings=findings)

    def _column(self, one: FrozenColumn, values: Values, run: Run) -> ColumnReport:
        missing, bad, uncertain = figures.shares(values)
        numbers = values.numbers
        inputs = self._history.inputs(one.tag)
        is_step = one.kind == "step"
        ranged = one.aggregate in _LIKE_THE_TAG
        return ColumnReport(
            name=one.name,
            rows=len(values),
            mean=float(numbers.mean()) if len(numbers) else None,
            minimum=float(numbers.min()) if len(numbers) else None,
            maximum=float(numbers.max()) if len(numbers) else None,
            missing=0.0 if self._is_raw and len(values) else missing,
            bad=bad,
            uncertain=uncertain,
            stuck_rows=0 if is_step else run.rows,
            stuck_from_us=None if is_step or not run.rows else int(values.time_us[run.first]),
            spikes=0 if is_step else figures.spikes(values.value),
            out_of_range=figures.outside(numbers, one.low, one.high) if ranged else 0.0,
            silent=0.0 if is_step else self._silent(one, values),
            replaced=sum(self._replaced.get(tag, 0) for tag in inputs),
            drift=self._drift(values),
        )

    def _silent(self, one: FrozenColumn, values: Values) -> float:
        spec = self._manifest.spec
        if self._is_raw:
            return figures.holes(values.time_us, spec.start_us, spec.end_us)
        if not aggregate_named(one.aggregate).needs_bounds:
            return 0.0  # then a row without samples has no value either
        days = -(-(spec.end_us - spec.start_us) // DAY_US)
        spoken = {day for tag in self._history.inputs(one.tag) for day in self._days.get(tag, {})}
        return 1.0 - len(spoken) / days

    def _drift(self, values: Values) -> list[Drift]:
        of_parts = (values.value[values.part == n] for n in range(len(self._parts)))
        parts = [drift.some(numbers[~np.isnan(numbers)]) for numbers in of_parts]
        return [
            Drift(part=name, psi=drift.psi(parts[0], part), ks=drift.ks(parts[0], part))
            for name, part in zip(self._parts[1:], parts[1:], strict=True)
            if drift.comparable(parts[0], part)
        ]

    @property
    def _parts(self) -> list[str]:
        return [one.part for one in self._manifest.files]

    def _values(self, one: FrozenColumn) -> Values:
        """Of a column all rows, in order of time."""
        of_kind = self._raw_table if self._is_raw else self._grid_table
        parts = []
        for place, file in enumerate(self._manifest.files):
            table = of_kind(self._folder / file.file, one)
            parts.append(_as_values(table, place))
            del table
        values = Values(*(np.concatenate([getattr(p, n) for p in parts]) for n in _FIELDS))
        del parts
        if (values.time_us[1:] >= values.time_us[:-1]).all():
            return values
        order = np.argsort(values.time_us, kind="stable")
        return Values(*(getattr(values, name)[order] for name in _FIELDS))

    def _grid_table(self, path: Path, one: FrozenColumn) -> pa.Table:
        chosen = ["time", one.name, one.name + QUALITY]
        table = pq.read_table(path, columns=chosen, use_threads=False).select(chosen)
        return table.rename_columns(["time", "value", "quality"])

    def _raw_table(self, path: Path, one: FrozenColumn) -> pa.Table:
        dataset = ds.dataset(str(path), format="parquet")
        wanted = ["time", "value", "quality"]
        found = ds.field("tag") == one.tag
        return dataset.head(ROWS_MAX, columns=wanted, filter=found, use_threads=False)


def _as_values(table: pa.Table, part: int) -> Values:
    return Values(
        table["time"].cast(pa.int64()).to_numpy(),
        np.asarray(table["value"].to_numpy(), np.float64),
        table["quality"].to_numpy().astype(np.uint16),
        np.full(table.num_rows, part, np.int8),
    )


def _replaced(history: History, manifest: Manifest, days: Days) -> Mapping[str, int]:
    """How many samples of each tag were replaced by later ones of the same time."""
    tags, spec = sorted(days), manifest.spec
    counts: Counter[str] = Counter()
    for start_us in range(spec.start_us, spec.end_us, _WINDOW_US) if tags else ():
        end_us = min(start_us + _WINDOW_US, spec.end_us)
        counts.update(history.modified(tags, start_us, end_us)["tag"].to_pylist())
    return counts
