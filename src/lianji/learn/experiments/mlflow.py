"""Runs as MLflow's file store lays them out, so that its page and its clients read them.

    <to>/<experiment id>/meta.yaml
    <to>/<experiment id>/<run id>/meta.yaml, params/<key>, metrics/<key>, tags/<key>, artifacts/

A line of a metric is "milliseconds value step". Ids are made of the names, so an export that is
repeated replaces what it wrote before, each run as a whole. YAML is written as JSON scalars, which
it is a superset of. (Source: mlflow 3.17, store/tracking/file_store.py; its reader
wants MLFLOW_ALLOW_FILE_STORE=true.)
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lianji.learn.experiments import metrics
from lianji.learn.experiments.experiments import Experiments
from lianji.learn.experiments.metrics import Line
from lianji.learn.experiments.record import Found, RunRecord, State
from lianji.learn.experiments.run import ARTEFACTS

META = "meta.yaml"
PARAMETER_CHARACTERS_MAX = 6000
_STATUS: dict[State, int] = {
    "running": 1, "done": 3, "failed": 4, "stopped": 5, "broken off": 5,
}  # fmt: skip
_LOCAL = 4


def export(
    experiments: Experiments,
    to: Path,
    names: Iterable[str] = (),
    progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Write these experiments, by default all; how many runs. Raises NotFound, OSError."""
    chosen = [(name, experiments.runs(name)) for name in (list(names) or experiments.names())]
    total, done = sum(len(runs) for _, runs in chosen), 0
    for name, runs in chosen:
        home = to.resolve() / experiment_id(name)
        home.mkdir(parents=True, exist_ok=True)
        _write_experiment(home, name, runs)
        for found in runs:
            _export_run(experiments, home, found)
            done += 1
            progress(done, total)
    return done


def experiment_id(name: str) -> str:
    """Eighteen digits, as MLflow's own are."""
    return str(10**17 + int(_digest(name), 16) % (9 * 10**17))


def run_id(experiment: str, run: str) -> str:
    return _digest(f"{experiment}/{run}")


def _write_experiment(home: Path, name: str, runs: list[Found]) -> None:
    began_ms = min((one.record.began_us for one in runs), default=0) // 1000
    ended_ms = max((one.record.attempt_us for one in runs), default=0) // 1000
    _write_yaml(
        home / META,
        {
            "artifact_location": home.absolute().as_uri(),
            "creation_time": began_ms,
            "experiment_id": home.name,
            "last_update_time": ended_ms,
            "lifecycle_stage": "active",
            "name": name,
        },
    )


def _export_run(experiments: Experiments, home: Path, found: Found) -> None:
    record = found.record
    source = experiments.path(record.experiment, record.run)
    final = home / run_id(record.experiment, record.run)
    draft = home / f".{final.name}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    for folder in ("params", "metrics", "tags", "artifacts"):
        (draft / folder).mkdir(parents=True)
    _write_yaml(draft / META, _meta(found, home, final))
    for key, value in record.parameters.items():
        _write_text(draft / "params" / key, str(value)[:PARAMETER_CHARACTERS_MAX])
    for key, value in _tags(found).items():
        _write_text(draft / "tags" / key, value)
    _write_metrics(draft / "metrics", metrics.read_lines(source / metrics.FILE))
    for one in record.artefacts:
        target = draft / "artifacts" / one.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / ARTEFACTS / one.name, target)
    _write_data(home, draft, final.name, record)
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)


def _meta(found: Found, home: Path, final: Path) -> dict[str, object]:
    record = found.record
    ended = found.state != "running"
    ended_us = record.ended_us or record.attempt_us + int(found.seconds * 1e6)
    return {
        "artifact_uri": (final / "artifacts").absolute().as_uri(),
        "end_time": ended_us // 1000 if ended else None,
        "entry_point_name": "",
        "experiment_id": home.name,
        "lifecycle_stage": "active",
        "run_id": final.name,
        "run_name": record.run,
        "run_uuid": final.name,
        "source_name": record.code.program,
        "source_type": _LOCAL,
        "source_version": record.code.commit,
        "start_time": record.began_us // 1000,
        "status": _STATUS[found.state],
        "tags": [],
        "user_id": record.owner,
    }


def _tags(found: Found) -> dict[str, str]:
    record = found.record
    told: dict[str, object] = {
        "mlflow.runName": record.run,
        "mlflow.user": record.owner,
        "mlflow.source.name": record.code.program,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": record.code.commit,
        "mlflow.note.content": record.title,
        "lianji.state": found.state,
        "lianji.reason": record.reason,
        "lianji.attempts": record.attempts,
        "lianji.job": record.job,
        "lianji.version": record.code.lianji,
        "lianji.code_changed": record.code.changed,
        "lianji.host": record.machine.host,
        "lianji.processor": record.machine.processor,
        "lianji.device": record.cost.device,
        "lianji.seconds": round(found.seconds, 3),
        "lianji.cpu_seconds": round(record.cost.cpu_seconds, 3),
        "lianji.memory_bytes": record.cost.memory_bytes,
    }
    return {key: str(value) for key, value in told.items() if value != ""}


def _write_metrics(folder: Path, lines: Iterable[Line]) -> None:
    """Lines without a step are counted: MLflow knows no other."""
    told: dict[str, list[str]] = {}
    for line in lines:
        for key, value in line.values.items():
            rows = told.setdefault(key, [])
            step = len(rows) if line.step is None else line.step
            number = "nan" if math.isnan(value) else repr(value)
            rows.append(f"{line.time_us // 1000} {number} {step}\n")
    for key, rows in told.items():
        _write_text(folder / key, "".join(rows))


def _write_data(home: Path, draft: Path, run: str, record: RunRecord) -> None:
    """The data sets as inputs, as ``mlflow.log_input`` leaves them."""
    for data in record.data:
        digest = data.hash[:36] or str(data.version)
        dataset = _digest(data.name + digest)
        source = json.dumps({"name": data.name, "version": data.version, "hash": data.hash})
        (home / "datasets" / dataset).mkdir(parents=True, exist_ok=True)
        _write_yaml(
            home / "datasets" / dataset / META,
            {"digest": digest, "name": data.name, "source": source, "source_type": "lianji"},
        )
        folder = draft / "inputs" / _digest(dataset + run)
        folder.mkdir(parents=True)
        _write_yaml(
            folder / META,
            {
                "destination_id": run,
                "destination_type": "RUN",
                "source_id": dataset,
                "source_type": "DATASET",
                "tags": {"mlflow.data.context": data.part} if data.part else {},
            },
        )


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _write_yaml(path: Path, content: Mapping[str, object]) -> None:
    lines = (f"{key}: {json.dumps(value)}\n" for key, value in sorted(content.items()))
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text("".join(lines))
    draft.rename(path)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
