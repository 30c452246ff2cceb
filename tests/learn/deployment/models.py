"""Small linear models as signed bundles, and a history in memory that they run over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.dictionary.batch import Batch
from lianji.history.history import History
from lianji.history.settings import HistorySettings
from lianji.history.tiers import TierFiles
from lianji.history.view.view import View
from lianji.learn.models.bundle import Bundle, Golden, key_text, pack
from lianji.learn.models.card import Card

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = {key_text(KEY.public_key()): "the works"}
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z
SECOND_US = 1_000_000
FOREVER_US = START_US * 2


def linear(weights: Sequence[Sequence[float]], bias: Sequence[float]) -> bytes:
    """ONNX of y = x W + b; W is [inputs, outputs]."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    w, b = np.array(weights, np.float32), np.array(bias, np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", kind, [None, w.shape[0]])],
        [helper.make_tensor_value_info("y", kind, [None, w.shape[1]])],
        [onnx.numpy_helper.from_array(w, "w"), onnx.numpy_helper.from_array(b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    content: bytes = model.SerializeToString()
    return content


def card(**changes: Any) -> Card:
    """Two inputs, one output: yield = 2 temperature + flow."""
    fields: dict[str, Any] = {
        "name": "yield",
        "version": 1,
        "task": "regression",
        "algorithm": "linear",
        "inputs": [
            {"name": "t", "tag": "plant/temperature", "unit": "Cel", "low": 0, "high": 100},
            {"name": "f", "tag": "plant/flow", "unit": "m3/h", "low": 0, "high": 50},
        ],
        "outputs": [{"name": "yield", "tag": "plant/soft/yield", "unit": "%"}],
        "period_s": 1,
        "created_us": START_US - 1,
        "expires_us": FOREVER_US,
    }
    return Card.model_validate(fields | changes)


def bundle(of: Card | None = None, **changes: Any) -> Bundle:
    of = of or card()
    weights = [[2.0], [1.0], *[[0.0]] * (len(of.inputs) - 2)][: len(of.inputs)]
    weights = [row * len(of.outputs) for row in weights]
    golden = Golden(
        inputs=[[1.0] * len(of.inputs)],
        outputs=[[float(np.sum(np.array(weights)[:, 0]))] * len(of.outputs)],
    )
    parts = {"onnx": linear(weights, [0.0] * len(of.outputs)), "golden": golden} | changes
    return Bundle(card=of, **parts)


def packed(of: Card | None = None, key: Ed25519PrivateKey = KEY, **changes: Any) -> bytes:
    return pack(bundle(of, **changes), key)


@dataclass
class MemoryHistory:
    """The real history over batches that no disk has seen."""

    paths: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = History(
            "plant", self, self._moment, lambda path: True, HistorySettings(), {}, None
        )

    def find(self, path: str) -> int | None:
        return self.paths.index(path) if path in self.paths else None

    def _moment(self) -> View:
        return View(TierFiles(()), tuple(self.batches), self.find)

    def heard(self, path: str) -> bool:
        return path in self.paths

    def put(self, samples: Mapping[str, Any], times_us: Any, quality: int = 0) -> None:
        """Columns of values by path, at the same times."""
        times = np.atleast_1d(np.asarray(times_us, np.int64))
        for path, values in samples.items():
            if path not in self.paths:
                self.paths.append(path)
            column = np.broadcast_to(np.asarray(values, np.float64), times.shape)
            ids = np.full(len(times), self.paths.index(path), np.int32)
            codes = np.full(len(times), quality, np.uint16)
            self.batches.append(Batch.of(ids, times, column, codes, None))
