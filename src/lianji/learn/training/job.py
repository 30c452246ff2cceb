"""A training as a job: what the queue runs, and ``lianji train`` in its own process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

from lianji.learn.datasets.store import DataSets
from lianji.learn.training.frozen import open_frozen
from lianji.learn.training.recorded import recorded
from lianji.learn.training.result import Trained, write_draft
from lianji.learn.training.spec import check_name, read_spec, trainer_of
from lianji.learn.training.work import Progress, Stopped, Work

DRAFT = "draft"
PREEMPTED = 75
"""The exit code (EX_TEMPFAIL) of one that was asked to stop: run it again."""


class Context(Protocol):
    """What of a job's context a training needs."""

    @property
    def arguments(self) -> dict[str, Any]:
        """``spec``: the name of a specification in the plant's folder, or its path."""
        ...

    @property
    def plant(self) -> Path: ...

    @property
    def folder(self) -> Path: ...

    @property
    def stopping(self) -> threading.Event: ...

    def progress(self, done: float, of: float = 0.0, **metrics: float) -> None: ...


def run(context: Context) -> None:
    """Train as ``arguments["spec"]`` says; the draft is ``<folder>/draft``. Raises LianjiError,
    SystemExit(PREEMPTED) where it was asked to stop."""
    try:
        train_spec(
            spec_path(context.plant, str(context.arguments["spec"])),
            DataSets(context.plant / "data" / "datasets"),
            context.folder,
            context.progress,
            context.stopping,
            experiments=context.plant / "data" / "experiments",
            job=context.folder.name,
        )
    except Stopped as stopped:
        raise SystemExit(PREEMPTED) from stopped


def train_spec(
    path: Path,
    sets: DataSets,
    folder: Path,
    progress: Progress,
    stopping: threading.Event | None = None,
    experiments: Path | None = None,
    job: str = "",
) -> Trained:
    """Train as a file says; the draft is in ``folder``/draft, whole or without its card.

    ``experiments``: where the run is recorded, if it is. Raises LianjiError, Stopped, OSError.
    """
    name, spec = check_name(path.stem), read_spec(path)
    frozen = open_frozen(sets, *spec.dataset_name)
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(name, spec, frozen, folder, progress, stopping or threading.Event())

    def train() -> Trained:
        trained = trainer_of(spec.task).train(work)
        write_draft(folder / DRAFT, trained)
        return trained

    if experiments is None:
        return train()
    return recorded(experiments, name, spec, frozen, folder / DRAFT, train, job)


def spec_path(plant: Path, asked: str) -> Path:
    """A file, or the name of one in the plant's folder ``training``."""
    if asked.endswith(".toml"):
        return Path(asked)
    return plant / "training" / f"{check_name(asked)}.toml"
