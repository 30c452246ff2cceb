"""What a Delta log adds up to at one version: replayed from its entries, or from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lianji.history.delta.actions import Action, DataFile, file_of
from lianji.history.delta.files import Files


@dataclass(slots=True)
class State:
    """Changed in place by ``apply``; ``files`` itself is immutable and may be kept by anyone."""

    period_column: str
    version: int = -1
    files: Files = field(default_factory=Files)
    transactions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Source -> last sequence, and when it was noted (ms since 1970)."""
    tombstones: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Path of a removed file -> when it was removed (ms since 1970), and its size in bytes."""
    modified_ms: dict[str, int] = field(default_factory=dict)
    """Path of a file -> its time stamp in the log."""
    protocol: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    _by_path: dict[str, DataFile] = field(default_factory=dict)

    def apply(self, version: int, actions: Sequence[Action]) -> None:
        """The entry of the next version, or the actions of a checkpoint."""
        added: dict[str, DataFile] = {}
        removed: list[DataFile] = []
        for action in actions:
            for kind, body in action.items():
                match kind:
                    case "add":
                        file = file_of(body, self.period_column)
                        added[file.path] = file
                        self.modified_ms[file.path] = body.get("modificationTime") or 0
                        self.tombstones.pop(file.path, None)
                    case "remove":
                        self._remove(body, added, removed)
                    case "txn":
                        noted = (body["version"], body.get("lastUpdated") or 0)
                        self.transactions[body["appId"]] = noted
                    case "metaData":
                        self.metadata = body
                    case "protocol":
                        self.protocol = body
        again = [old for path in added if (old := self._by_path.get(path))]
        self.files = self.files.changed(added.values(), [*removed, *again])
        self._by_path.update(added)
        self.version = version

    def _remove(
        self, body: dict[str, Any], added: dict[str, DataFile], removed: list[DataFile]
    ) -> None:
        path = unquote(body["path"])
        added.pop(path, None)
        file = self._by_path.pop(path, None)
        if file is not None:
            removed.append(file)
        self.modified_ms.pop(path, None)
        self.tombstones[path] = (body.get("deletionTimestamp") or 0, body.get("size") or 0)

    def find(self, path: str) -> DataFile | None:
        return self._by_path.get(path)
