"""Is a version still what it was, and would the history give it again?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lianji.base.errors import Text
from lianji.history.backup.row_hash import days_of_file
from lianji.learn.datasets.changes import changes_between
from lianji.learn.datasets.making import Making, Progress, freeze
from lianji.learn.datasets.manifest import Change, Manifest, PartFile, file_hash
from lianji.learn.datasets.store import DataSets


@dataclass(slots=True)
class Checked:
    """``faults``: what is wrong with the files. ``changes``: what the history says otherwise, None
    where it was not asked."""

    manifest: Manifest
    faults: list[Text] = field(default_factory=list)
    changes: list[Change] | None = None

    @property
    def is_sound(self) -> bool:
        return not self.faults and not self.changes


def check_files(sets: DataSets, name: str, version: int | None = None) -> Checked:
    """Read every file again. Raises NotFound, StorageError for a damaged manifest."""
    manifest = sets.manifest(name, version)
    folder = sets.path(name, manifest.version)
    faults = [fault for one in manifest.files if (fault := _fault_of(folder / one.file, one))]
    faults += [
        Text(f"{file} was changed or is missing", f"{file} 被修改或缺失")
        for file, told in manifest.beside.items()
        if not (folder / file).exists() or file_hash(folder / file) != told
    ]
    return Checked(manifest, faults)


def check_against_history(
    sets: DataSets, checked: Checked, making: Making, progress: Progress = lambda *_: None
) -> None:
    """Make it again, as its manifest says, and compare. Nothing is kept of it."""
    old = checked.manifest
    with sets.draft(old.name) as draft:
        new = freeze(making, draft, progress)
        same = new.same_as(old)
        folder = sets.path(old.name, old.version)
        checked.changes = (
            [] if same else changes_between((old, folder), (new, draft), making.history)
        )


def _fault_of(path: Path, told: PartFile) -> Text | None:
    try:
        days = days_of_file(path, "")
    except FileNotFoundError:
        return Text(f"{told.file} is missing", f"{told.file} 缺失")
    except (pa.ArrowException, OSError) as error:
        return Text(f"{told.file} cannot be read: {error}", f"{told.file} 无法读取：{error}")
    rows = sum(count for count, _ in days.values())
    total = sum(total for _, total in days.values()) % (1 << 64)
    if rows != told.rows or f"{total:016x}" != told.hash:
        return Text(
            f"{told.file} holds other rows than were written", f"{told.file} 的内容与写入时不同"
        )
    return None
