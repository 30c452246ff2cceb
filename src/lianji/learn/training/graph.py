"""Run an ONNX graph where it was made: for golden vectors, and to see that it is the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]


def runner(onnx: bytes) -> Callable[[Singles], Singles]:
    """``x`` float32 [N, inputs] -> ``y`` float32 [N, outputs], on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def run(rows: Singles) -> Singles:
        given: Singles = session.run(["y"], {"x": np.ascontiguousarray(rows, np.float32)})[0]
        return given

    return run
