"""The folder of data sets: ``<name>/<version>/``, each version whole or not there at all.

A version is made in a draft beside the others and gets its number by a rename once all of it is
durable. Only who holds the data set's lock makes versions or clears what a killed maker left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lianji.base.drafts import drafting, keep_draft
from lianji.base.errors import Busy, NotFound, StorageError, Text
from lianji.learn.datasets.manifest import FILE, Manifest, read_manifest
from lianji.learn.datasets.spec import NAME


class DataSets:
    """All data sets of a plant. The folder need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Those that have a version."""
        found = (one.name for one in self.folder.glob("*") if NAME.fullmatch(one.name))
        return sorted(name for name in found if self.versions(name))

    def versions(self, name: str) -> list[int]:
        """Rising."""
        found = (self.folder / name).glob("*")
        return sorted(int(one.name) for one in found if one.name.isdecimal())

    def path(self, name: str, version: int) -> Path:
        return self.folder / name / str(version)

    def manifest(self, name: str, version: int | None = None) -> Manifest:
        """Of a version, by default the newest. Raises NotFound, StorageError."""
        versions = self.versions(name) if NAME.fullmatch(name) else []
        if not versions or (version is not None and version not in versions):
            raise self._unknown(name, version, versions)
        try:
            return read_manifest(self.path(name, versions[-1] if version is None else version))
        except FileNotFoundError as error:
            raise self._unknown(name, version, versions) from error

    def manifests(self, name: str) -> Iterator[Manifest]:
        """Of all versions, the newest first, without those that are damaged."""
        for version in reversed(self.versions(name)):
            with suppress(StorageError, NotFound):
                yield self.manifest(name, version)

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """An empty folder for a version to be, which goes unless it was kept. Raises Busy where
        somebody else makes one."""
        with drafting(self.folder / name, lambda: _busy(name)) as draft:
            yield draft

    def next_version(self, name: str) -> int:
        return max(self.versions(name), default=0) + 1

    def keep(self, draft: Path, name: str, version: int) -> Path:
        """Give a draft, whose files are durable, its number. Raises OSError."""
        assert (draft / FILE).exists(), "a version without a manifest"
        return keep_draft(draft, self.path(name, version))

    def _unknown(self, name: str, version: int | None, versions: list[int]) -> NotFound:
        if not versions:
            listed = ", ".join(self.names()) or "-"
            return NotFound(
                "dataset-unknown",
                Text(f"There is no data set {name!r}.", f"没有名为 {name!r} 的数据集。"),
                Text(f"There are: {listed}.", f"现有：{listed}。"),
            )
        listed = ", ".join(map(str, versions))
        return NotFound(
            "dataset-version-unknown",
            Text(f"{name} has no version {version}.", f"{name} 没有版本 {version}。"),
            Text(f"There are: {listed}.", f"现有版本：{listed}。"),
        )


def _busy(name: str) -> Busy:
    return Busy(
        "dataset-busy",
        Text(
            f"Another process makes a version of {name} just now.",
            f"另一个进程正在生成 {name} 的版本。",
        ),
        Text("Wait until it is done and try again.", "请等待其完成后重试。"),
    )
