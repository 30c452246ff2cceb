"""The trainings of a plant's folder: ``training/<name>.toml`` in, a draft of a model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lianji.node.datasets import PlantDataSets
from lianji.node.folder import PlantFolder

if TYPE_CHECKING:
    from lianji.learn.training.result import Trained
    from lianji.learn.training.work import Progress


class PlantTraining:
    """What the command line asks. It blocks for as long as a training takes."""

    def __init__(self, folder: PlantFolder) -> None:
        self._folder = folder

    def train(self, asked: str, progress: Progress) -> tuple[Trained, Path]:
        """``asked`` is a file, or the name of one in the plant's folder ``training``. What came
        out, and the draft's folder: it replaces the one before. Raises LianjiError, OSError."""
        from lianji.learn.training.job import DRAFT, spec_path, train_spec

        path = spec_path(self._folder.root, asked)
        folder = self._folder.data / "training" / path.stem
        sets = PlantDataSets(self._folder).sets
        runs = self._folder.experiments
        trained = train_spec(path, sets, folder, progress, experiments=runs)
        return trained, folder / DRAFT
