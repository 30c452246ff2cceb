"""The log of a Delta table, copied as it is up to its newest version, and opened where it lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lianji.base.errors import StorageError, Text
from lianji.history.delta import actions as act
from lianji.history.delta import checkpoint
from lianji.history.delta.log import LAST_CHECKPOINT, LOG, DeltaLog, TableSpec
from lianji.history.places.folder import FolderPlace
from lianji.history.places.place import Place


def copy_log(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of what makes the newest version: a checkpoint and the entries behind it.

    Entries are read one after the other until there is none, never listed: a list that is made
    while others write may lack one in the middle. Raises FileNotFoundError if the log was cleaned
    meanwhile.
    """
    place = FolderPlace(folder)
    version = 0
    told = _if_there(place, LAST_CHECKPOINT)
    if told is not None:
        covered = int(json.loads(told)["version"])
        name = _checkpoint(covered)
        yield name, place.read(name)
        yield LAST_CHECKPOINT, told
        version = covered + 1
    while (content := _if_there(place, _entry(version))) is not None:
        yield _entry(version), content
        version += 1


def open_log(folder: Path) -> DeltaLog:
    """The log of any table of ours, only to be read. Raises FileNotFoundError, StorageError."""
    place = FolderPlace(folder)
    try:
        spec = TableSpec(folder.name, pa.schema([]), _period_column(place))
    except (ValueError, KeyError, StopIteration, pa.ArrowException) as error:
        raise StorageError(
            "history-table",
            Text(f"The log of {folder} is damaged: {error}.", f"{folder} 的日志已损坏：{error}。"),
            Text("Take another generation of the backup.", "请使用备份的其他代次。"),
        ) from error
    return DeltaLog(place, spec, create=False)


def _period_column(place: Place) -> str:
    told = _if_there(place, LAST_CHECKPOINT)
    if told is not None:
        actions = checkpoint.read(place.read(_checkpoint(int(json.loads(told)["version"]))))
    else:
        actions = act.parse(place.read(_entry(0)))
    metadata = next(action["metaData"] for action in actions if "metaData" in action)
    return str(metadata["partitionColumns"][-1])


def _if_there(place: Place, name: str) -> bytes | None:
    try:
        return place.read(name)
    except FileNotFoundError:
        return None


def _entry(version: int) -> str:
    return f"{LOG}/{version:020d}.json"


def _checkpoint(version: int) -> str:
    return f"{LOG}/{version:020d}.checkpoint.parquet"
