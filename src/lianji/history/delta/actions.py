"""The actions of a Delta log entry, as lines of JSON (Delta protocol, section Actions).

Only what our tables use: reader version 1, writer version 2, files with statistics, application
transactions. Paths are percent-encoded in the log, as the protocol wants them, and plain here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from lianji.base.clock import to_us

Action = dict[str, Any]
_OWN = ("tag", "time")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table and what the log says of it. ``period``: its day or month."""

    path: str
    site: str
    period: str
    bytes: int
    rows: int
    first_tag: str
    last_tag: str
    start_us: int
    end_us: int
    sources: tuple[str, ...] = ()
    """Of a file that was worked out of others: the names of those."""
    level: int = 0
    """How often its rows were merged into a larger file."""
    bounds: str = ""
    """JSON of the other columns' statistics, as the log has them. Readers that filter by a column
    take a missing bound for no match (delta-rs issue 3173), so none may be missing."""

    def overlaps(self, start_us: int, end_us: int) -> bool:
        """True if it may hold times from ``start_us`` up to ``end_us``, both included."""
        return self.start_us <= end_us and self.end_us >= start_us

    @property
    def name(self) -> str:
        """Its own part of the path: unique, and the same wherever the file is moved."""
        return self.path.rpartition("/")[2].removesuffix(".parquet")


def add(file: DataFile, period_column: str, modified_ms: int, *, data_change: bool) -> Action:
    more = json.loads(file.bounds) if file.bounds else {}
    low = {"tag": file.first_tag, "time": stamp(file.start_us), **more.get("minValues", {})}
    high = {"tag": file.last_tag, "time": stamp(file.end_us), **more.get("maxValues", {})}
    stats = {
        "numRecords": file.rows,
        "minValues": low,
        "maxValues": high,
        "nullCount": {"tag": 0, "time": 0, **more.get("nullCount", {})},
    }
    tags = {"lianji.sources": " ".join(file.sources)} if file.sources else {}
    if file.level:
        tags["lianji.level"] = str(file.level)
    body: Action = {
        "path": quote(file.path, safe="/=:"),
        "partitionValues": {"site": file.site, period_column: file.period},
        "size": file.bytes,
        "modificationTime": modified_ms,
        "dataChange": data_change,
        "stats": json.dumps(stats),
    }
    if tags:
        body["tags"] = tags
    return {"add": body}


def remove(file: DataFile, period_column: str, deleted_ms: int, *, data_change: bool) -> Action:
    return {
        "remove": {
            "path": quote(file.path, safe="/=:"),
            "deletionTimestamp": deleted_ms,
            "dataChange": data_change,
            "extendedFileMetadata": True,
            "partitionValues": {"site": file.site, period_column: file.period},
            "size": file.bytes,
        }
    }


def transaction(source: str, sequence: int, now_ms: int) -> Action:
    return {"txn": {"appId": source, "version": sequence, "lastUpdated": now_ms}}


def commit_info(operation: str, now_ms: int) -> Action:
    return {"commitInfo": {"timestamp": now_ms, "operation": operation, "engineInfo": "lianji"}}


def file_of(body: dict[str, Any], period_column: str) -> DataFile:
    """The file that the body of an ``add`` speaks of."""
    stats = json.loads(body["stats"])
    tags = body.get("tags") or {}
    values = body["partitionValues"]
    return DataFile(
        path=unquote(body["path"]),
        site=values["site"],
        period=values[period_column],
        bytes=body["size"],
        rows=stats["numRecords"],
        first_tag=stats["minValues"]["tag"],
        last_tag=stats["maxValues"]["tag"],
        start_us=to_us(datetime.fromisoformat(stats["minValues"]["time"])),
        end_us=to_us(datetime.fromisoformat(stats["maxValues"]["time"])),
        sources=tuple(tags.get("lianji.sources", "").split()),
        level=int(tags.get("lianji.level", 0)),
        bounds=_bounds(stats),
    )


def _bounds(stats: dict[str, Any]) -> str:
    """The statistics of all columns but tag and time."""
    more = {
        kind: {name: value for name, value in stats.get(kind, {}).items() if name not in _OWN}
        for kind in ("minValues", "maxValues", "nullCount")
    }
    return json.dumps(more, separators=(",", ":")) if any(more.values()) else ""


def stamp(time_us: int) -> str:
    second, rest = divmod(time_us, 1_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def lines(actions: list[Action]) -> bytes:
    """A log entry: one action a line."""
    texts = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in actions]
    return ("\n".join(texts) + "\n").encode()


def parse(content: bytes) -> list[Action]:
    """Raises ValueError for an entry that is not whole."""
    # not splitlines: a text may hold what Unicode calls a line separator
    actions = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    if not actions or not all(isinstance(action, dict) for action in actions):
        raise ValueError("the log entry is empty or no object")
    return actions
