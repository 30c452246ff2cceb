"""Models at the edge: what 50 inputs once a second cost, by one model and by a hundred.

A forest of 200 trees (LightGBM through onnxmltools) and a network of 50-64-32-1 (PyTorch's
exporter), signed, unpacked, checked and opened as an edge does it, each measure in a process of its
own. The rivals are LightGBM's and PyTorch's own prediction of the same model on one thread, at the
same pace. The CPU is all that the process takes, its loop and its waking up included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import Row, work_folder

INPUTS, TREES, MANY = 50, 200, 100
SECONDS = int(os.environ.get("LIANJI_BENCH_SECONDS", "30"))
KEY = bytes(range(32))
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def run() -> list[Row]:
    with work_folder() as folder:
        _make(folder)
        asked = {
            "trees": ("ours", "trees", 1),
            "network": ("ours", "network", 1),
            "many": ("ours", "both", MANY),
            "lightgbm": ("lightgbm", "trees", 1),
            "torch": ("torch", "network", 1),
        }
        found = {name: _measured(folder, *what) for name, what in asked.items()}
    return _rows(found)


def _rows(found: dict[str, dict[str, float]]) -> list[Row]:
    def cpu(measure: str, name: str, rival: str = "", called: str = "", goal: str = "") -> Row:
        value = found[name]["cpu"] * 100
        other = found[rival]["cpu"] * 100 if rival else None
        ratio = other / value if other is not None else None
        return Row(measure, value, "% of a core", called, other, ratio, goal)

    def run_ms(measure: str, name: str, rival: str, called: str) -> Row:
        value, other = found[name]["run_ms"], found[rival]["run_ms"]
        note = f"p99 {found[name]['run_p99_ms']:.3g} ms"
        return Row(measure, value, "ms", called, other, other / value, "", note)

    trees, network = f"{TREES} trees of {INPUTS} inputs", f"a network of {INPUTS} inputs"
    each = (found["many"]["memory_mb"] - found["many"]["before_mb"]) / MANY
    return [
        cpu(f"{trees}, 1 Hz", "trees", "lightgbm", "LightGBM", "< 1 %"),
        cpu(f"{network}, 1 Hz", "network", "torch", "PyTorch", "< 1 %"),
        cpu(f"{MANY} such models, 1 Hz", "many", goal="< 30 %"),
        run_ms("one run, trees", "trees", "lightgbm", "LightGBM"),
        run_ms("one run, network", "network", "torch", "PyTorch"),
        Row("memory of one more model", each, "MB", note="half of them trees, half networks"),
        Row("memory of ONNX Runtime", found["trees"]["library_mb"], "MB", note="once a process"),
        Row(f"verifying and opening {MANY}", found["many"]["open_s"], "s", note="golden rows too"),
    ]


def _measured(folder: Path, library: str, kind: str, count: int) -> dict[str, float]:
    """In a process of its own."""
    asked = [str(folder), library, kind, str(count)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.edge_models", *asked],
        env={**os.environ, **_ONE_THREAD}, stdout=subprocess.PIPE, check=True,
        timeout=SECONDS + 120,
    )  # fmt: skip
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


# -- the process that is measured ----------------------------------------------------------------


def child(folder: Path, library: str, kind: str, count: int) -> dict[str, float]:
    """Open so many models and run each once a second."""
    opening = {"ours": _ours, "lightgbm": _lightgbm, "torch": _torch}[library]
    loaded = _memory_mb()
    if library == "ours":
        import onnxruntime

        onnxruntime.get_available_providers()
    before, began = _memory_mb(), time.perf_counter()
    kinds = ["trees", "network"] if kind == "both" else [kind]
    models = [opening(folder, kinds[n % len(kinds)]) for n in range(count)]
    opened, memory = time.perf_counter() - began, _memory_mb()
    cpu, runs = _paced(models)
    return {
        "cpu": cpu,
        "run_ms": float(np.median(runs)) * 1000,
        "run_p99_ms": float(np.quantile(runs, 0.99)) * 1000,
        "open_s": opened,
        "before_mb": before,
        "memory_mb": memory,
        "library_mb": before - loaded,
    }


def _paced(models: list[Callable[[Any], Any]]) -> tuple[float, list[float]]:
    """CPU as a share of the time, and the seconds of each run."""
    rng, runs = np.random.default_rng(7), []
    for model in models:
        model(rng.random((1, INPUTS), np.float32))
    started, cpu = time.monotonic(), time.process_time()
    for second in range(1, SECONDS + 1):
        for model in models:
            row = rng.random((1, INPUTS), np.float32)
            began = time.perf_counter()
            model(row)
            runs.append(time.perf_counter() - began)
        time.sleep(max(0.0, started + second - time.monotonic()))
    return (time.process_time() - cpu) / (time.monotonic() - started), runs


def _ours(folder: Path, kind: str) -> Callable[[Any], Any]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lianji.learn.models.bundle import key_text, unpack
    from lianji.learn.models.inference import Model, check_golden

    key = key_text(Ed25519PrivateKey.from_private_bytes(KEY).public_key())
    bundle, _ = unpack((folder / f"{kind}.bundle").read_bytes(), {key: "the bench"})
    model = Model.open(bundle)
    check_golden(model, bundle.golden)
    return model.run


def _lightgbm(folder: Path, kind: str) -> Callable[[Any], Any]:
    import lightgbm

    booster = lightgbm.Booster(model_file=folder / "trees.txt")
    return lambda row: booster.predict(row, num_threads=1)


def _torch(folder: Path, kind: str) -> Callable[[Any], Any]:
    import torch

    torch.set_num_threads(1)
    network = _network()
    network.load_state_dict(torch.load(folder / "network.pt", weights_only=True))

    def predict(row: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(row)).numpy()

    return predict


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# -- the models ----------------------------------------------------------------------------------


def _make(folder: Path) -> None:
    rng = np.random.default_rng(1)
    rows = rng.random((5_000, INPUTS), np.float32)
    target = 10 * np.sin(rows[:, 0] * rows[:, 1] * 3) + 20 * (rows[:, 2] - 0.5) ** 2 + rows[:, 3]
    for kind, onnx in (
        ("trees", _trees_onnx(folder, rows, target)),
        ("network", _network_onnx(folder)),
    ):
        (folder / f"{kind}.bundle").write_bytes(_bundle(kind, onnx))


def _bundle(name: str, onnx: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lianji.learn.models.bundle import Bundle, Golden, pack
    from lianji.learn.models.card import Card
    from lianji.learn.models.golden import made_golden
    from lianji.learn.models.inference import Model

    inputs = [{"name": f"x{n}", "tag": f"plant/x{n}", "low": 0, "high": 1} for n in range(INPUTS)]
    told = {
        "name": name, "version": 1, "task": "regression", "algorithm": name, "inputs": inputs,
        "outputs": [{"name": "y", "tag": "plant/y"}], "created_us": 0, "expires_us": 1,
    }  # fmt: skip
    card = Card.model_validate(told)
    model = Model.open(Bundle(card, onnx, Golden(inputs=[], outputs=[])))
    whole = Bundle(card, onnx, made_golden(model, card))
    return pack(whole, Ed25519PrivateKey.from_private_bytes(KEY))


def _trees_onnx(folder: Path, rows: Any, target: Any) -> bytes:
    import lightgbm
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    trees = lightgbm.LGBMRegressor(n_estimators=TREES, n_jobs=1, verbose=-1).fit(rows, target)
    trees.booster_.save_model(folder / "trees.txt")
    types = [("x", FloatTensorType([None, INPUTS]))]
    made = onnxmltools.convert_lightgbm(trees, initial_types=types, target_opset=15)
    last = next(node for node in made.graph.node if "variable" in node.output)
    last.output[0] = made.graph.output[0].name = "y"
    content: bytes = made.SerializeToString()
    return content


def _network() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Linear(INPUTS, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)
    )


def _network_onnx(folder: Path) -> bytes:
    import torch

    torch.manual_seed(1)
    network = _network().eval()
    torch.save(network.state_dict(), folder / "network.pt")
    file = BytesIO()
    with redirect_stdout(StringIO()):  # it tells of every step
        torch.onnx.export(
            network, (torch.zeros(2, INPUTS),), file, input_names=["x"], output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("rows")},), dynamo=True,
        )  # fmt: skip
    return file.getvalue()


if __name__ == "__main__":
    place, library_asked, kind_asked, count_asked = sys.argv[1:]
    print(json.dumps(child(Path(place), library_asked, kind_asked, int(count_asked))))
