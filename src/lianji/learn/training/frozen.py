"""The rows of a version of a data set, as arrays: what bad quality hides is NaN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lianji.base.errors import InputError, Text
from lianji.learn.datasets.columns import QUALITY
from lianji.learn.datasets.manifest import FrozenColumn, Manifest
from lianji.learn.datasets.store import DataSets

SEVERITY_BAD = 0x8000
"""The top bit of an OPC UA status code's high half: bad."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the order of time. ``times_us`` int64 [rows], microseconds since 1970 UTC: the
    begin of each step. ``values`` by column: float64 [rows]."""

    times_us: NDArray[np.int64]
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.times_us)

    def matrix(self, columns: list[str]) -> Floats:
        """float64 [rows, columns]."""
        return np.stack([self.values[name] for name in columns], axis=1)

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Those rows alone."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Rows(self.times_us[chosen], values)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A version of a data set."""

    manifest: Manifest
    parts: dict[str, Rows]
    """``train``, ``validation``, ``test``, those that there are; ``all`` without a split."""

    @property
    def step_us(self) -> int:
        return self.manifest.spec.step_us

    def column(self, name: str) -> FrozenColumn:
        """By its name or its tag. Raises InputError."""
        for one in self.manifest.columns:
            if name in (one.name, one.tag):
                return one
        listed = ", ".join(one.name for one in self.manifest.columns)
        raise InputError(
            "training-column",
            Text(
                f"The data set {self.manifest.name} has no column {name!r}.",
                f"数据集 {self.manifest.name} 没有列 {name!r}。",
            ),
            Text(f"It has: {listed}.", f"现有：{listed}。"),
        )


def open_frozen(sets: DataSets, name: str, version: int | None = None) -> Frozen:
    """A grid's rows. Raises NotFound, StorageError, InputError for a data set that is no grid."""
    manifest = sets.manifest(name, version)
    if manifest.spec.kind != "grid":
        raise InputError(
            "training-needs-grid",
            Text(
                f"The data set {name} holds samples as they are.",
                f"数据集 {name} 保存的是原始样本。",
            ),
            Text('Make one with kind = "grid".', '请使用 kind = "grid" 的数据集。'),
        )
    folder = sets.path(name, manifest.version)
    return Frozen(manifest, {one.part: _rows(folder / one.file, manifest.columns)
                             for one in manifest.files})  # fmt: skip


def _rows(path: Path, columns: list[FrozenColumn]) -> Rows:
    table = pq.read_table(path)
    times_us = table["time"].combine_chunks().view("int64").to_numpy()
    order = np.argsort(times_us, kind="stable")
    values = {}
    for one in columns:
        column = table[one.name].to_numpy(zero_copy_only=False).astype(np.float64)
        bad = table[one.name + QUALITY].to_numpy(zero_copy_only=False)
        values[one.name] = np.where((bad & SEVERITY_BAD) != 0, np.nan, column)[order]
    return Rows(times_us[order], values)
