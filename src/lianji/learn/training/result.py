"""What every training gives back, and the folder in which it lies until the registry takes it.

``card.json`` (its version is 1: the registry gives the real one), ``model.onnx``, ``golden.json``
as in the signed bundle, ``report.json`` with every figure, also those that flatter nobody, and
whatever else the training left.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.learn.models.bundle import CARD, GOLDEN, MODEL, Golden
from lianji.learn.models.card import Card, Metric

REPORT = "report.json"
GOLDEN_ROWS = 16


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that nobody has taken yet. The same data set and specification give the same
    ``onnx`` and ``golden``; the card differs in its times and cost alone."""

    card: Card
    onnx: bytes
    golden: Golden
    report: dict[str, Any] = field(default_factory=dict)
    """Plain JSON: what was tried, what was chosen and why, every figure."""
    parameters: dict[str, str | int | float | bool] = field(default_factory=dict)
    """As an experiment records them."""
    artefacts: Path | None = None
    """A folder of more files, such as checkpoints and plots."""

    @property
    def metrics(self) -> list[Metric]:
        """Those of the card."""
        return self.card.metrics


def write_draft(folder: Path, trained: Trained) -> Path:
    """Durably, the card last: a folder with a card is whole. Raises OSError."""
    make_folder(folder.resolve())
    (folder / CARD).unlink(missing_ok=True)
    write_atomically(folder / MODEL, trained.onnx)
    write_atomically(folder / GOLDEN, _json(trained.golden.model_dump(mode="json")))
    write_atomically(folder / REPORT, _json(trained.report))
    write_atomically(folder / CARD, _json(trained.card.model_dump(mode="json")))
    sync_folder(folder)
    return folder


def golden_of(
    rows: NDArray[np.float32], run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> Golden:
    """Golden vectors of some of ``rows`` [rows, inputs], evenly taken, and what ``run`` makes of
    them [rows, outputs]."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(GOLDEN_ROWS, len(rows))).astype(int))
    chosen = np.ascontiguousarray(rows[places], np.float32)
    given = [[None if np.isnan(one) else float(one) for one in row] for row in chosen]
    return Golden(inputs=given, outputs=[[float(one) for one in row] for row in run(chosen)])


def _json(content: Mapping[str, Any]) -> bytes:
    plain = _plain(content)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """JSON knows no NaN: what cannot be said is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
