"""Which files of a plant's folder a backup takes, and how.

What is in ``data`` is taken unless it is known to need no copy, so that whatever the plant learns
to keep there is in its backups from the first day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lianji.base.errors import InputError, Text
from lianji.history.backup.checking import Checked, check_backup
from lianji.history.backup.manifest import Manifest
from lianji.history.backup.restoring import Restored, restore_backup
from lianji.history.backup.snapshot import Parts
from lianji.history.backup.sqlite_copy import lies_beside
from lianji.history.backup.store import Store
from lianji.history.backup.taking import KEEP, Progress, Taken, take_backup
from lianji.history.delta.log import LOG
from lianji.node.configuring.places import PLACES
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings
from lianji.node.state_copy import LEFT_OUT, copy_state, restore_state
from lianji.node.state_place import state_elsewhere

__all__ = ["KEEP", "back_up", "check", "generations", "restore", "state_elsewhere"]
NOTE = "data/restored.json"
_LEFT_OUT = {"running.json", "jobs", *LEFT_OUT}
"""Of ``data``: what is true of one process alone, and the work of jobs, which begin anew."""


def back_up(folder: PlantFolder, destination: Path, keep: int, progress: Progress) -> Taken:
    """Add a generation; the plant may run. Raises NotFound, InputError, Busy, StorageError."""
    settings = load_settings(folder.root)
    if settings.history.shared is not None:
        raise _shared()
    site = settings.site.name
    if not state_elsewhere(folder.root):
        copy_state(folder.data.resolve())
    return take_backup(parts_of(folder, site), destination, keep, progress)


def restore(
    destination: Path, folder: Path, generation: int | None, progress: Progress
) -> Restored:
    """Restore the newest generation, or the one named, and leave ``data/restored.json``."""
    restored = restore_backup(destination, folder, generation, NOTE, progress)
    restore_state(folder / "data")
    return restored


def generations(destination: Path) -> list[Manifest]:
    """The generations of a backup that can be read, oldest first. Raises NotFound, Busy."""
    store = Store(destination)
    with store.locked(writing=False):
        return store.readable()[0]


def check(destination: Path, progress: Progress) -> Checked:
    """Raises NotFound, Busy."""
    return check_backup(destination, progress)


def _shared() -> InputError:
    return InputError(
        "backup-shared",
        Text(
            "The table lies outside of this folder, and other processes write it too.",
            "数据表位于本目录之外，且由多个进程写入。",
        ),
        Text(
            "Let the store keep copies of the bucket, and back up the PostgreSQL database.",
            "请由对象存储负责备份该存储桶，并备份 PostgreSQL 数据库。",
        ),
    )


def parts_of(folder: PlantFolder, site: str) -> Parts:
    """The parts of a plant."""
    plant = PlantFolder(folder.root.resolve())
    return Parts(
        root=plant.root,
        site=site,
        spool=plant.spool,
        tag_ids=plant.tag_ids,
        tables=lambda: list(_tables(plant.data)),
        others=lambda: _others(plant),
    )


def _tables(folder: Path) -> Iterator[Path]:
    """The folders of Delta tables below a folder."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if (path / LOG).is_dir():
            yield path
        elif path.is_dir():
            yield from _tables(path)


def _others(plant: PlantFolder) -> Iterator[Path]:
    yield plant.settings
    left_out = {plant.spool, plant.tag_ids, *_tables(plant.data)}
    left_out |= {plant.data / name for name in _LEFT_OUT}
    configured = [plant.root / place for place in dict.fromkeys(place for place, _ in PLACES)]
    for top in (*configured, plant.dashboards, plant.root / "models", plant.data):
        for parent, folders, names in os.walk(top):
            here = Path(parent)
            folders[:] = [f for f in folders if not f.startswith(".") and here / f not in left_out]
            for name in sorted(names):
                path = here / name
                if not (name.startswith(".") or path in left_out or lies_beside(path)):
                    yield path
