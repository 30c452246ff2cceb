"""Each training is a run of the experiment that has its model's name, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lianji.base.errors import InputError
from lianji.learn.experiments import DataUsed, Experiments, Run
from lianji.learn.training.frozen import Frozen
from lianji.learn.training.result import REPORT, Trained
from lianji.learn.training.spec import TrainingSpec
from lianji.learn.training.work import Stopped


def recorded(
    experiments: Path,
    name: str,
    spec: TrainingSpec,
    frozen: Frozen,
    draft: Path,
    train: Callable[[], Trained],
    job: str = "",
) -> Trained:
    """Train, and keep what was asked, what came of it and the report.

    ``job`` is the queue's name of it: when it gave way, its next attempt goes on with the same run.
    Raises what ``train`` raises, OSError.
    """
    run = _begun(experiments, name, spec, frozen, job)
    try:
        trained = train()
        run.log_parameters(trained.card.parameters)
        run.log_metrics({one.name: one.value for one in trained.metrics})
        baseline = {f"{m.name}.baseline": m.baseline for m in trained.metrics if m.baseline}
        run.log_metrics({**baseline, "seconds": trained.card.cost.seconds})
        run.artefact(draft / REPORT)
    except Stopped:
        run.leave()
        raise
    except Exception as error:
        run.end("failed", str(error))
        raise
    run.end()
    return trained


def _begun(experiments: Path, name: str, spec: TrainingSpec, frozen: Frozen, job: str) -> Run:
    told = frozen.manifest
    asked = spec.model_dump(mode="json", exclude={"parameters", "output", "inputs", "gate"})
    options = {
        "parameters": {f"spec.{key}": value for key, value in asked.items() if value != ""},
        "data": [DataUsed(name=told.name, version=told.version, hash=told.hash)],
        "title": spec.title_en or spec.title_zh,
        "owner": spec.owner,
        "job": job,
    }
    kept = Experiments(experiments)
    try:
        return kept.begin(name, run=f"job-{job}" if job else "", **options)  # type: ignore[arg-type]
    except InputError:  # that run has ended: the job is tried once more
        return kept.begin(name, **options)  # type: ignore[arg-type]
