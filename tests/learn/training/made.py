"""A small plant whose truth is known: the target drifts, and most when the test begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lianji.learn.datasets.manifest import FrozenColumn, Manifest, Source
from lianji.learn.datasets.spec import DataSetSpec
from lianji.learn.training.frozen import Frozen, Rows
from lianji.learn.training.spec import TrainingSpec, spec_of
from lianji.learn.training.work import Work

HOUR_US = 3_600_000_000
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z
ROWS, TRAIN = 1600, 1200
NAMES = ("load", "fuel", "air", "nox")
SMALL: dict[str, Any] = {
    "task": "regression",
    "dataset": "small",
    "target": "nox",
    "label_delay": "24h",
    "parameters": {"rounds": 60, "num_leaves": 7, "min_data_in_leaf": 10},
    "correction": "bias",
}


def table(seed: int = 5) -> dict[str, Any]:
    """Columns [rows]: ``nox`` follows load and fuel, and is 3 higher every other 150 rows and 6
    more from row TRAIN on."""
    rng = np.random.default_rng(seed)
    load, fuel, air = rng.normal(size=(3, ROWS))
    row = np.arange(ROWS)
    drift = 3.0 * (row // 150 % 2) + 6.0 * (row >= TRAIN)
    nox = 50 + 3 * load + 2 * np.sin(2 * fuel) + rng.normal(size=ROWS) * 0.4 + drift
    return {"load": load, "fuel": fuel, "air": air, "nox": nox}


def frozen(columns: dict[str, Any] | None = None, aggregate: str = "average") -> Frozen:
    """As if it had been frozen: three quarters train, the rest test."""
    columns = columns or table()
    times_us = START_US + np.arange(ROWS) * HOUR_US
    spec = DataSetSpec.model_validate(
        {
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-04-01T00:00:00Z",
            "step": "1h",
            "tags": ["plant/*"],
            "split": {"train": 0.75, "test": 0.25},
        }
    )
    manifest = Manifest(
        name="small",
        version=3,
        created_us=0,
        lianji="0",
        spec=spec,
        source=Source(site="plant", table_version=0, behind_table=0, samples=ROWS),
        columns=[
            FrozenColumn(name=name, tag=f"plant/{name}", aggregate=aggregate, unit="1",
                         tag_unit="1", kind="linear")
            for name in NAMES
        ],
        rows=ROWS,
        files=[],
        beside={},
        hash="abc",
    )  # fmt: skip
    early = np.arange(ROWS) < TRAIN
    whole = Rows(times_us, {name: np.asarray(columns[name]) for name in NAMES})
    return Frozen(manifest, {"train": whole.where(early), "test": whole.where(~early)})


def spec(**changed: Any) -> TrainingSpec:
    return spec_of({**SMALL, **changed}, "training/nox.toml")


def work(folder: Path, rows: Frozen | None = None, **changed: Any) -> Work:
    return Work("nox", spec(**changed), rows or frozen(), folder, now_us=lambda: 1_000_000)
