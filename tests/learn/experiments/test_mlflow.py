"""What is exported for MLflow, read by a small reader of its own and, where there is one, by the
real one (``LIANJI_MLFLOW_PYTHON`` names a Python that has it)."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lianji.learn.experiments import DataUsed, Experiments
from lianji.learn.experiments.mlflow import experiment_id, export, run_id

_READ = """
import json, math, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
told = {}
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id]):
        history = {
            key: [[m.step, m.value if math.isfinite(m.value) else str(m.value), m.timestamp]
                  for m in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
        files = [one.path for one in client.list_artifacts(run.info.run_id)]
        inputs = [[one.dataset.name, one.dataset.digest] for one in run.inputs.dataset_inputs]
        told[f"{experiment.name}/{run.info.run_name}"] = {
            "status": run.info.status, "params": run.data.params, "metrics": history,
            "files": files, "inputs": inputs, "commit": run.data.tags["mlflow.source.git.commit"],
            "times": [run.info.start_time, run.info.end_time],
        }
print(json.dumps(told))
"""


@pytest.fixture
def experiments(tmp_path: Path) -> Experiments:
    experiments = Experiments(tmp_path / "experiments")
    model = tmp_path / "model.onnx"
    model.write_bytes(b"onnx")
    data = [DataUsed(name="nox", version=2, hash="ab" * 16, part="train")]
    with experiments.begin(
        "kiln", run="a", parameters={"depth": 6, "name": "x: y", "none": None}, data=data
    ) as run:
        for step in range(3):
            run.log_metrics({"loss": 1 / (step + 1), "test.r2": 0.1 * step}, step)
        run.log_metrics({"bad": math.nan})
        run.artefact(model, "model/model.onnx")
    experiments.begin("kiln", run="b").end("failed", "it broke")
    experiments.begin("oven", run="c").leave()
    return experiments


def yaml(path: Path) -> dict[str, Any]:
    """The subset that is written: ``key: JSON`` lines."""
    pairs = (line.split(": ", 1) for line in path.read_text().splitlines())
    return {key: json.loads(value) for key, value in pairs}


def test_the_layout_is_that_of_the_file_store(experiments: Experiments, tmp_path: Path) -> None:
    to = tmp_path / "mlruns"
    assert export(experiments, to) == 3
    home = to / experiment_id("kiln")
    meta = yaml(home / "meta.yaml")
    assert (meta["name"], meta["lifecycle_stage"]) == ("kiln", "active")
    assert meta["experiment_id"] == home.name
    run = home / run_id("kiln", "a")
    info = yaml(run / "meta.yaml")
    assert (info["run_id"], info["run_name"], info["status"]) == (run.name, "a", 3)
    assert info["artifact_uri"] == f"file://{run.resolve()}/artifacts"
    assert info["end_time"] >= info["start_time"] > 1_600_000_000_000, "milliseconds"
    parameters = {one.name: one.read_text() for one in (run / "params").iterdir()}
    assert parameters == {"depth": "6", "name": "x: y", "none": "None"}
    rows = [line.split(" ") for line in (run / "metrics" / "loss").read_text().splitlines()]
    assert [(float(value), int(step)) for _, value, step in rows] == [
        (1.0, 0),
        (0.5, 1),
        (1 / 3, 2),
    ]
    assert all(abs(int(ms) - info["start_time"]) < 60_000 for ms, _, _ in rows)
    assert (run / "metrics" / "bad").read_text().split(" ")[1] == "nan"
    assert (run / "artifacts" / "model" / "model.onnx").read_bytes() == b"onnx"
    assert yaml(home / run_id("kiln", "b") / "meta.yaml")["status"] == 4
    broken = to / experiment_id("oven") / run_id("oven", "c")
    assert yaml(broken / "meta.yaml")["status"] == 5, "never RUNNING for ever"
    assert (broken / "tags" / "lianji.state").read_text() == "broken off"


def test_an_export_again_replaces_and_doubles_nothing(
    experiments: Experiments, tmp_path: Path
) -> None:
    to = tmp_path / "mlruns"
    export(experiments, to, ["oven"])
    before = sorted(to.rglob("*"))
    with experiments.begin("oven", run="c") as run:
        run.log_metrics({"loss": 1.0}, 1)
    assert export(experiments, to, ["oven"]) == 1
    after = sorted(to.rglob("*"))
    assert set(before) <= set(after)
    assert {one.name for one in set(after) - set(before)} == {"loss"}


def _python_with_mlflow() -> str | None:
    named = os.environ.get("LIANJI_MLFLOW_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("mlflow") else None)


def test_mlflow_reads_it(experiments: Experiments, tmp_path: Path) -> None:
    python = _python_with_mlflow()
    if python is None:
        pytest.skip("mlflow is not installed, and LIANJI_MLFLOW_PYTHON names no Python with it")
    to = tmp_path / "mlruns"
    export(experiments, to)
    done = subprocess.run(
        [python, "-c", _READ, to.as_uri()],
        capture_output=True,
        text=True,
        env={
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "PATH": os.environ["PATH"],
            "GIT_PYTHON_REFRESH": "quiet",
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told) == {"kiln/a", "kiln/b", "oven/c"}
    run = told["kiln/a"]
    assert (run["status"], told["kiln/b"]["status"], told["oven/c"]["status"]) == (
        "FINISHED", "FAILED", "KILLED",
    )  # fmt: skip
    assert run["params"] == {"depth": "6", "name": "x: y", "none": "None"}
    assert [row[:2] for row in run["metrics"]["loss"]] == [[0, 1.0], [1, 0.5], [2, 1 / 3]]
    assert run["metrics"]["bad"][0][1] == "nan"
    assert run["files"] == ["model"]
    assert run["inputs"] == [["nox", "ab" * 16]]
    assert run["times"][1] >= run["times"][0]
