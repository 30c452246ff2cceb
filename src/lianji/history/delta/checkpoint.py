"""Checkpoints: the state of a Delta log as one Parquet file (Delta protocol, section Checkpoints).

So that opening a table reads one file and the entries behind it, and older entries may go.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from lianji.history.delta.actions import Action, add
from lianji.history.delta.state import State

_MAP = pa.map_(pa.string(), pa.string())
_SCHEMA = pa.schema(
    {
        "txn": pa.struct({"appId": pa.string(), "version": pa.int64(), "lastUpdated": pa.int64()}),
        "add": pa.struct(
            {
                "path": pa.string(),
                "partitionValues": _MAP,
                "size": pa.int64(),
                "modificationTime": pa.int64(),
                "dataChange": pa.bool_(),
                "stats": pa.string(),
                "tags": _MAP,
            }
        ),
        "remove": pa.struct(
            {
                "path": pa.string(),
                "deletionTimestamp": pa.int64(),
                "dataChange": pa.bool_(),
                "size": pa.int64(),
            }
        ),
        "metaData": pa.struct(
            {
                "id": pa.string(),
                "name": pa.string(),
                "description": pa.string(),
                "format": pa.struct({"provider": pa.string(), "options": _MAP}),
                "schemaString": pa.string(),
                "partitionColumns": pa.list_(pa.string()),
                "createdTime": pa.int64(),
                "configuration": _MAP,
            }
        ),
        "protocol": pa.struct({"minReaderVersion": pa.int32(), "minWriterVersion": pa.int32()}),
    }
)
_MAPS = {"partitionValues", "tags", "options", "configuration"}


def written(state: State, tombstones_since_ms: int) -> bytes:
    """The checkpoint of a state. Tombstones older than told are left out."""
    rows: list[Action] = [{"protocol": state.protocol}, {"metaData": state.metadata}]
    rows += [
        {"txn": {"appId": source, "version": last, "lastUpdated": noted_ms}}
        for source, (last, noted_ms) in state.transactions.items()
    ]
    rows += [
        add(file, state.period_column, state.modified_ms.get(file.path, 0), data_change=False)
        for file in state.files
    ]
    rows += [_tombstone(path, *told) for path, told in state.tombstones.items()
             if told[0] >= tombstones_since_ms]  # fmt: skip
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([_as_maps(row) for row in rows], _SCHEMA), sink)
    return bytes(sink.getvalue())


def _tombstone(path: str, deleted_ms: int, size: int) -> Action:
    return {
        "remove": {
            "path": quote(path, safe="/=:"),
            "deletionTimestamp": deleted_ms,
            "dataChange": False,
            "size": size,
        }
    }


def _as_maps(value: Any, name: str = "") -> Any:
    """Arrow takes a map as a list of pairs."""
    if isinstance(value, dict):
        if name in _MAPS:
            return list(value.items())
        return {key: _as_maps(one, key) for key, one in value.items()}
    return value


def read(content: bytes) -> list[Action]:
    """The actions of a checkpoint, whoever wrote it. Raises ArrowInvalid for a damaged one."""
    table = pq.read_table(pa.BufferReader(content))
    actions: list[Action] = []
    for row in table.to_pylist(maps_as_pydicts="strict"):
        actions += [{kind: body} for kind, body in row.items() if body is not None]
    return actions


def pointer(version: int, actions: int, size: int) -> bytes:
    """The content of ``_last_checkpoint``."""
    return json.dumps({"version": version, "size": actions, "sizeInBytes": size}).encode()
