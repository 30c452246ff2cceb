"""The data sets of a plant's folder, whether the plant runs or not.

A running plant only lists them; what makes and checks them is loaded where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lianji.learn.datasets.manifest import Manifest
from lianji.learn.datasets.report.finding import Report
from lianji.learn.datasets.report.kept import read_report
from lianji.learn.datasets.spec import DataSetSpec, check_name, read_spec
from lianji.learn.datasets.store import DataSets
from lianji.node.folder import PlantFolder

if TYPE_CHECKING:
    from lianji.learn.datasets.checking import Checked
    from lianji.learn.datasets.making import Made, Making, Progress
    from lianji.node.opened import OpenedPlant


class PlantDataSets:
    """What the page and the command line ask. All block."""

    def __init__(self, folder: PlantFolder) -> None:
        self._folder = folder
        self.sets = DataSets(folder.data / "datasets")

    def make(self, asked: str, progress: Progress = lambda *_: None) -> Made:
        """``asked`` is a file, or the name of one in the plant's folder ``datasets``."""
        from lianji.learn.datasets.making import make

        path = self._spec_path(asked)
        name = check_name(path.stem)
        making = _making(self._opened(), name, read_spec(path), str(path))
        return make(self.sets, making, progress)

    def check(
        self,
        name: str,
        version: int | None = None,
        *,
        against_history: bool = False,
        progress: Progress = lambda *_: None,
    ) -> Checked:
        from lianji.learn.datasets.checking import check_against_history, check_files

        checked = check_files(self.sets, name, version)
        if against_history and not checked.faults:
            making = _making(self._opened(), name, checked.manifest.spec, name)
            check_against_history(self.sets, checked, making, progress)
        return checked

    def listed(self) -> list[Manifest]:
        """The newest version of each that can be read."""
        newest = (next(self.sets.manifests(name), None) for name in self.sets.names())
        return [one for one in newest if one is not None]

    def any(self) -> bool:
        """Quick."""
        return bool(self.sets.names())

    def found(self, name: str, version: int | None = None) -> tuple[Manifest, Report, list[int]]:
        """A version, by default the newest, its report, and what versions there are. Raises
        NotFound, StorageError."""
        manifest = self.sets.manifest(name, version)
        report = read_report(self.sets.path(name, manifest.version))
        return manifest, report, self.sets.versions(name)

    def erase(self, is_gone: Callable[[str], bool]) -> list[str]:
        """Remove the versions that hold samples of such tags; which. Raises Busy, OSError."""
        from lianji.learn.datasets.erasing import erase

        return erase(self.sets, is_gone)

    def path_of(self, manifest: Manifest) -> Path:
        return self.sets.path(manifest.name, manifest.version)

    def _spec_path(self, asked: str) -> Path:
        if asked.endswith(".toml"):
            return Path(asked)
        return self._folder.datasets / f"{check_name(asked)}.toml"

    def _opened(self) -> OpenedPlant:
        from lianji.node.opened import OpenedPlant

        return OpenedPlant(self._folder.root)


def _making(plant: OpenedPlant, name: str, spec: DataSetSpec, where: str) -> Making:
    from lianji.history.moment import Moment
    from lianji.learn.datasets.making import Making

    return Making(name, spec, Moment(plant.history.exact), plant.configuration.tags, where)
