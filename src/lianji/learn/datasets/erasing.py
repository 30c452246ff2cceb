"""Remove for good the versions that hold samples of tags which are to be gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from lianji.base.durable import sync_folder
from lianji.base.errors import LianjiError
from lianji.learn.datasets.store import DataSets
from lianji.learn.datasets.writing import SAMPLES, read_digest


def erase(sets: DataSets, is_gone: Callable[[str], bool]) -> list[str]:
    """Every version with a column of such a tag or worked out of one, as ``name@version``; also
    those of which nobody can tell any more. Raises Busy while one is made, OSError."""
    erased = []
    for name in sets.names():
        with sets.draft(name):  # nobody makes one meanwhile, and what a killed maker left goes
            for version in sets.versions(name):
                folder = sets.path(name, version)
                if _holds(sets, name, version, folder, is_gone):
                    shutil.rmtree(folder)
                    erased.append(f"{name}@{version}")
            sync_folder(sets.folder / name)
    return erased


def _holds(
    sets: DataSets, name: str, version: int, folder: Path, is_gone: Callable[[str], bool]
) -> bool:
    try:
        tags = {one.tag for one in sets.manifest(name, version).columns}
        tags |= read_digest(folder, SAMPLES).keys()
    except (LianjiError, pa.ArrowException, OSError):
        return True
    return any(map(is_gone, tags))
