"""The experiments of a plant's folder, whether the plant runs or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lianji.base.errors import LianjiError
from lianji.learn.experiments.comparing import Comparison, compare
from lianji.learn.experiments.experiments import Experiments
from lianji.learn.experiments.metrics import Series
from lianji.learn.experiments.record import Found
from lianji.node.folder import PlantFolder


class PlantExperiments:
    """What the page and the command line ask. All block."""

    def __init__(self, folder: PlantFolder) -> None:
        self.experiments = Experiments(folder.experiments)

    def any(self) -> bool:
        """Quick."""
        return bool(self.experiments.names())

    def listed(self) -> dict[str, list[Found]]:
        """The runs of each experiment, the newest first."""
        return {name: self.experiments.runs(name) for name in self.experiments.names()}

    def compared(
        self,
        name: str,
        runs: Sequence[str] = (),
        sort: str = "",
        worst_first: bool = False,
    ) -> tuple[Comparison, list[LianjiError]]:
        """These runs, by default all, side by side, sorted by a metric or the newest first; and
        what is wrong with those that cannot be read. Raises NotFound."""
        found, damaged = self.experiments.read(name)
        if runs:
            damaged = []
            wanted = {run: self.experiments.find(name, run) for run in dict.fromkeys(runs)}
            found = [wanted[one.run] for one in found if one.run in wanted]
        return compare(found, sort, worst_first), damaged

    def found(self, name: str, run: str) -> Found:
        """Raises NotFound, StorageError."""
        return self.experiments.find(name, run)

    def series(self, name: str, metric: str, runs: Sequence[str]) -> dict[str, Series]:
        """A metric by step, of those of the runs that have it. Raises NotFound."""
        read = {run: self.experiments.series(name, run, metric) for run in runs}
        return {run: series for run, series in read.items() if series is not None}

    def artefact(self, name: str, run: str, artefact: str) -> Path:
        """Raises NotFound."""
        return self.experiments.artefact(name, run, artefact)

    def export(self, to: Path, names: Iterable[str], progress: Callable[[int, int], None]) -> int:
        """For MLflow; how many runs. Raises NotFound, OSError."""
        from lianji.learn.experiments.mlflow import export

        return export(self.experiments, to, names, progress)
